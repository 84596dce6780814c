/** One picture in shades of grey, row after row, a byte a pixel. */
export interface GreyFrame {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}
