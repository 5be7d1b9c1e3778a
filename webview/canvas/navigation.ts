/** Pan and zoom: the wheel moves, with Ctrl or a pinch it zooms; dragging moves. Moves that were asked for glide, unless less motion is wished. */
import { type D3ZoomEvent, select, type ZoomBehavior, zoom, zoomIdentity } from "d3";
import { type Point, type View, zoomLimits } from "./view.ts";

const glideMs = 180;
/** A line of wheels that count in lines. */
const lineHeight = 20;

/** Powers of two a wheel event zooms by. A pinch sends many small deltas, a wheel few large ones: one notch is a fifth. */
function zoomStep(event: WheelEvent): number {
  const delta = -event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? lineHeight : 1) * 0.01;
  return Math.min(notch, Math.max(-notch, delta));
}

const notch = 0.26;

export class Navigation {
  view: View = { k: 1, x: 0, y: 0 };
  private readonly behavior: ZoomBehavior<HTMLElement, unknown>;
  private gliding = 0;

  /** `changed` is called after each move. */
  constructor(
    private readonly element: HTMLElement,
    private readonly changed: (byUser: boolean) => void,
    private readonly reducedMotion: () => boolean,
  ) {
    this.behavior = zoom<HTMLElement, unknown>()
      .scaleExtent([zoomLimits[0], zoomLimits[1]])
      .clickDistance(4)
      .wheelDelta(zoomStep)
      .filter((event: WheelEvent | MouseEvent) =>
        event.type === "wheel" ? event.ctrlKey || event.metaKey : !("button" in event) || event.button <= 1,
      )
      .on("zoom", ({ transform, sourceEvent }: D3ZoomEvent<HTMLElement, unknown>) => {
        if (sourceEvent) this.stop();
        this.view = { k: transform.k, x: transform.x, y: transform.y };
        this.changed(sourceEvent !== null && sourceEvent !== undefined);
      });
    select(element).call(this.behavior).on("dblclick.zoom", null);
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** Moves to a view; `glide`: visibly, so that the eye can follow. */
  go(target: View, glide: boolean): void {
    this.stop();
    if (!glide || this.reducedMotion()) {
      this.set(target);
      return;
    }
    const from = this.view;
    const start = performance.now();
    const step = (now: number): void => {
      const t = Math.min(1, (now - start) / glideMs);
      const eased = 1 - (1 - t) ** 3;
      const mix = (a: number, b: number): number => a + (b - a) * eased;
      this.set(t === 1 ? target : { k: mix(from.k, target.k), x: mix(from.x, target.x), y: mix(from.y, target.y) });
      this.gliding = t < 1 ? requestAnimationFrame(step) : 0;
    };
    this.gliding = requestAnimationFrame(step);
  }

  /** About a point of the screen. */
  zoomTo(wanted: number, { x, y }: Point): void {
    const k = Math.min(zoomLimits[1], Math.max(zoomLimits[0], wanted));
    const scale = k / this.view.k;
    this.go({ k, x: x - (x - this.view.x) * scale, y: y - (y - this.view.y) * scale }, true);
  }

  moveBy(x: number, y: number): void {
    this.stop();
    this.set({ k: this.view.k, x: this.view.x + x, y: this.view.y + y });
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) return;
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? lineHeight : 1;
    const [x, y] = event.shiftKey && event.deltaX === 0 ? [event.deltaY, 0] : [event.deltaX, event.deltaY];
    this.moveBy(-x * unit, -y * unit);
    this.changed(true);
  }

  private stop(): void {
    if (this.gliding) cancelAnimationFrame(this.gliding);
    this.gliding = 0;
  }

  private set(view: View): void {
    // d3 keeps the transform on the element; going through it keeps drags and wheels in step.
    this.behavior.transform(select(this.element), zoomIdentity.translate(view.x, view.y).scale(view.k));
  }
}
