/** Measuring and cutting text. Widths are kept: measuring is the dearest thing a frame does. */

/** Enough for every distinct name of a large model; past it the cache starts anew. */
const kept = 20_000;
/** No box holds more; a hostile name of megabytes must not be measured whole. */
const longest = 400;

export class TextMeter {
  private readonly widths = new Map<string, number>();
  private readonly cuts = new Map<string, string>();

  constructor(private readonly context: CanvasRenderingContext2D) {}

  /** In CSS pixels, with the font set on the context. */
  width(text: string): number {
    const key = `${this.context.font}\0${text}`;
    let width = this.widths.get(key);
    if (width === undefined) {
      if (this.widths.size > kept) this.widths.clear();
      width = this.context.measureText(text).width;
      this.widths.set(key, width);
    }
    return width;
  }

  /** The text, or as much of its beginning as fits with `…`; of a path its end says more: `keepEnd`. Empty where nothing fits. */
  cut(whole: string, room: number, keepEnd = false): string {
    if (whole === "" || room <= 0) return "";
    const text = whole.length <= longest ? whole : keepEnd ? whole.slice(-longest) : whole.slice(0, longest);
    if (this.width(text) <= room) return text;
    const key = `${this.context.font}\0${Math.floor(room)}\0${keepEnd}\0${text}`;
    let cut = this.cuts.get(key);
    if (cut === undefined) {
      if (this.cuts.size > kept) this.cuts.clear();
      const part = (length: number): string => (keepEnd ? `…${text.slice(text.length - length)}` : `${text.slice(0, length)}…`);
      let [fits, tooLong] = [0, text.length];
      while (tooLong - fits > 1) {
        const middle = (fits + tooLong) >> 1;
        if (this.context.measureText(part(middle)).width <= room) fits = middle;
        else tooLong = middle;
      }
      cut = fits === 0 ? "" : part(fits);
      this.cuts.set(key, cut);
    }
    return cut;
  }
}
