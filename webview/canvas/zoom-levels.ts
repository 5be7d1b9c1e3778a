/** What is drawn at which zoom (1 = 100 %). Each fades over a tenth of zoom rather than popping. */

const fadeOver = 0.1;

/** 0 below `from - 0.1`, 1 from `from` on. */
function fade(zoom: number, from: number): number {
  return Math.min(1, Math.max(0, (zoom - from + fadeOver) / fadeOver));
}

export interface Shown {
  /** Own names, chips, edge labels, attributes. */
  readonly detail: number;
  readonly summary: number;
  readonly op: number;
  readonly arrows: number;
  readonly edges: number;
  /** Rounded boxes with borders; else plain blocks. */
  readonly boxes: boolean;
}

export function shownAt(zoom: number): Shown {
  return {
    detail: fade(zoom, 0.9),
    summary: fade(zoom, 0.7),
    op: fade(zoom, 0.45),
    arrows: fade(zoom, 0.5),
    edges: fade(zoom, 0.16),
    boxes: zoom >= 0.2,
  };
}

/** Whole pixels; grows with the zoom, never below 10.5. */
export const opSize = (zoom: number): number => Math.min(26, Math.max(11, Math.round(13 * zoom)));
export const monoSize = (zoom: number): number => Math.min(22, Math.max(11, Math.round(11 * zoom)));
