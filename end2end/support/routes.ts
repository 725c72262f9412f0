// Who may call which protected route, written out by hand from the policies' rules: the tests must not
// learn the answer from the code that they test.
import type { User } from './users.ts';

const everyone: readonly User[] = ['alice', 'bob', 'carol', 'dave', 'jblin'];

/** Each route whose answer depends on what a user is, with the users whom it lets in. */
export const routes: Readonly<Record<string, readonly User[]>> = {
  '/api/DemoPolicyBased/Admin/Get': ['alice', 'carol'],
  '/api/DemoPolicyBased/User/Get': ['bob', 'carol', 'jblin'],
  '/api/DemoPolicyBased/AdminOrUser/Get': ['alice', 'bob', 'carol', 'jblin'],
  '/api/DemoPolicyBased/AdminAndUser/Get': ['carol'],
  '/api/DemoPolicyBased/Sit/Get': ['dave'],
  '/api/DemoPolicyBased/Everyone/Get': everyone,
  '/api/DemoPolicyBased/Sales/Get': ['alice', 'carol', 'jblin'],
  '/api/DemoPolicyBased/Crm/Get': ['bob'],
  '/api/DemoPolicyBased/Sales/Admin/Get': ['alice', 'carol'],
  '/api/DemoPolicyBased/Sales/AdminOrUser/Get': ['alice', 'carol', 'jblin'],
  '/api/DemoPolicyBased/SalesOrAdmin/Get': ['alice', 'carol', 'jblin'],
  '/api/DemoPolicyBased/AdminOrUserWithCusomHandler/Get': ['jblin'],
  '/api/DemoRoleBased/Admin/Get': ['alice', 'carol'],
  '/api/DemoRoleBased/User/Get': ['bob', 'carol', 'jblin'],
  '/api/DemoRoleBased/AdminOrUser/Get': ['alice', 'bob', 'carol', 'jblin'],
  '/api/DemoRoleBased/Sit/Get': ['dave'],
  '/api/DemoRoleBased/Everyone/Get': everyone,
};

/** The routes whose answer depends on how and when the user signed in. */
export const stepUp = {
  recent: '/api/DemoStepUp/Recent',
  twoFactors: '/api/DemoStepUp/TwoFactors',
} as const;

/** The paths of all routes. */
export const paths: readonly string[] = [...Object.keys(routes), ...Object.values(stepUp)];
