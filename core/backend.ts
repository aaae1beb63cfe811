/**
 * Backends for those who may not import kernels/: a service keeps one for all of its requests.
 *
 * @module
 */
export { createBackend } from "../kernels/backend.ts";
