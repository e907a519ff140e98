/*
 * One who asks or pushes, or a worker, as a process of its own.
 */
import { connectWork } from './connect-work.ts';
import { serve } from './serve.ts';
import { WorkRole } from './work-role.ts';

/** What the process serves. */
export type { WorkRole };

serve(new WorkRole(connectWork));
