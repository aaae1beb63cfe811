/**
 * Where an accumulator stops to loop and lets kernels do it.
 *
 * @module
 */

import type { Tensor } from "../../core/plugin/contract.ts";

/** Elements up to which a loop in a plugin costs less than a dispatch; the bits are the same. */
export const longestLoop: number = 2048;

/** True for a tensor that lies on a device, where only the backend reaches it. */
export const isOnDevice = ({ data }: Tensor): boolean => !ArrayBuffer.isView(data as unknown);
