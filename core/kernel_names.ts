/**
 * Names of backends and of element types, for those who may not import kernels/ and only check a name.
 *
 * @module
 */
export { backendNames } from "../kernels/tables/backend_names.ts";
export { dtypes } from "../kernels/tables/dtype_names.ts";
