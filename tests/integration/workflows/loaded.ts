/**
 * Objects are loaded with the first of their class (`workers/loaded-objects.ts`). Here they are loaded before any test:
 * the test runner fetches modules on a connection of its own, and an object must not go on from there.
 */
import "../../../durable-objects/event-shard.ts";
import "../../../durable-objects/workflow-run.ts";
import "../../../workers/operations/schedule-object.ts";
import "../../../workers/workflows/run-workflow.ts";
