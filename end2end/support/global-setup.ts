// Starts the Doorward in demo mode that most specs share; what it returns runs after the last test.
import { Doorward } from './doorward.ts';
import { demo } from './instances.ts';

export default async function globalSetup(): Promise<() => Promise<void>> {
  const server = await Doorward.start({ origins: demo });
  return () => server.stop();
}
