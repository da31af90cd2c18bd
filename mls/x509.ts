/** The X.509 library, with the polyfill that it asks for. Only this file of the folder imports it. */
import 'reflect-metadata';

export * from '@peculiar/x509';
