// Line icons on a 20 x 20 grid, drawn for this canvas.
export const ACTION_ICONS = {
  undo: ["M7.5 4 L4 7.5 L7.5 11", "M4 7.5 H11.5 A4.2 4.2 0 0 1 11.5 16 H8"],
  redo: ["M12.5 4 L16 7.5 L12.5 11", "M16 7.5 H8.5 A4.2 4.2 0 0 0 8.5 16 H12"],
  remove: ["M4.5 6 H15.5", "M8 6 V4 H12 V6", "M6 6 L6.7 16.5 H13.3 L14 6", "M8.8 9 V13.5 M11.2 9 V13.5"],
  zoomIn: ["M9 3.8 A5.2 5.2 0 1 1 8.98 3.8", "M12.8 12.8 L16.5 16.5", "M9 6.6 V11.4 M6.6 9 H11.4"],
  zoomOut: ["M9 3.8 A5.2 5.2 0 1 1 8.98 3.8", "M12.8 12.8 L16.5 16.5", "M6.6 9 H11.4"],
  clear: ["M4 6.5 V4 H6.5 M13.5 4 H16 V6.5 M16 13.5 V16 H13.5 M6.5 16 H4 V13.5", "M7.5 7.5 L12.5 12.5 M12.5 7.5 L7.5 12.5"],
  muted: ["M3 10 C5 6.4 7.4 5 10 5 C12.6 5 15 6.4 17 10 C15 13.6 12.6 15 10 15 C7.4 15 5 13.6 3 10", "M4 16.5 L16 3.5"],
  unmuted: ["M3 10 C5 6.4 7.4 5 10 5 C12.6 5 15 6.4 17 10 C15 13.6 12.6 15 10 15 C7.4 15 5 13.6 3 10", "M12.2 10 A2.2 2.2 0 1 1 12.2 9.98"],
  copy: ["M7 7 H16.5 V16.5 H7 Z", "M4.5 13 H3.5 V3.5 H13 V4.5"],
  up: ["M5 11.5 L10 6.5 L15 11.5"],
  down: ["M5 8.5 L10 13.5 L15 8.5"],
  curve: ["M3.5 15.5 C8 15.5 6 5 16.5 4.5"],
  play: ["M6.5 4.5 L15.5 10 L6.5 15.5 Z"],
  stop: ["M5.5 5.5 H14.5 V14.5 H5.5 Z"],
  help: ["M7.2 7.4 C7.2 5.6 8.4 4.6 10 4.6 C11.7 4.6 12.9 5.7 12.9 7.2 C12.9 9.3 10 9.4 10 11.9", "M10 15.2 H10.02"],
  onion: ["M3.5 8 H12 V16.5 H3.5 Z", "M6 5.5 H14.5 V14", "M8.5 3.5 H16.5 V11.5"],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Progress over time, drawn as it runs. */
export const EASE_ICONS: Readonly<Record<string, readonly string[]>> = {
  linear: ["M4 16 L16 4"],
  ease_in: ["M4 16 C10 16 14 11 16 4"],
  ease_out: ["M4 16 C6 9 10 4 16 4"],
  ease_in_out: ["M4 16 C11 16 9 4 16 4"],
};
