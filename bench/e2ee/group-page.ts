/** A device in a large group, in a page. Driven by `window.member`. */
import { Member } from './group-member.ts';

declare global {
  interface Window {
    member: Member;
  }
}
window.member = new Member();
