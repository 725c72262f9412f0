// The demo users. A user's password is the user's name.
export const users = ['alice', 'bob', 'carol', 'dave', 'jblin'] as const;

/** A demo user's name, `sub` and password. */
export type User = (typeof users)[number];
