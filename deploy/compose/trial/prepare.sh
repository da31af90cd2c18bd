#!/bin/sh
# Two organisations, made by the commands with which an administrator makes one; docs/guides/certificates.md and accounts.md explain
# them. Runs once: whatever it left half done is made anew.
set -eu

homes=/organisations

# home NAME: the folder that the servers of that organisation know as /data.
home() { printf '%s/%s' "$homes" "$1"; }

# A new volume is root's, or as /data is in the image: the servers' and open to all eyes. In the end it is the servers' and closed, and a
# folder is given away after all that is in it.
is_ready() { [ "$(stat -c %u:%a "$(home "$1")")" = 10001:700 ]; }

# begin NAME: certificates, and the site with its folder as this container sees it.
begin() {
  chown 0:0 "$(home "$1")"
  find "$(home "$1")" -mindepth 1 -delete
  hawser certs init --domain "$1.localhost" --out "$(home "$1")/certificates" > /dev/null
  sed "s#/data#$(home "$1")#" "/trial/$1/hawser.yaml" > "/tmp/$1.yaml"
}

# allow NAME OTHER HOMESERVER MEDIA: lets the other organisation in, whose two servers have these addresses.
allow() {
  hawser peers allow "$2.localhost" --config "/tmp/$1.yaml" --authority "$(home "$2")/certificates/authority.pem" \
    --homeserver "$3:8448" --media-prefix "$4/32" > /dev/null
}

# account NAME HANDLE PERSON PORT: the one account, and the line of the invitation.
account() {
  password=$(head -c 9 /dev/urandom | base64 | tr '+/' '-_')
  printf '%s\n' "$password" |
    hawser accounts add "$2" --name "$3" --password-file=- --config "/tmp/$1.yaml" > /dev/null
  printf '  %-6s http://%s.localhost:%s   sign in as %s, password %s\n' "$3" "$1" "$4" "$2" "$password" \
    >> "$(home "$1")/invitation"
}

if is_ready alpha && is_ready beta; then exit 0; fi

echo 'Making certificates, allow lists and accounts of alpha and beta.'
begin alpha
begin beta
allow alpha beta 10.97.53.21 10.97.53.22
allow beta alpha 10.97.53.11 10.97.53.12
printf '\nTwo organisations are running. Open each address in a window of its own:\n\n' > "$(home alpha)/invitation"
account alpha alice Alice 8180
account beta bob Bob 8280
printf '\nAs Alice, write to @bob@beta.localhost, and press "Start call" when he has it. Ctrl-C ends everything.\n\n' \
  >> "$(home beta)/invitation"
for name in alpha beta; do
  chmod 700 "$(home "$name")"
  chown -R 10001:10001 "$(home "$name")"
done
