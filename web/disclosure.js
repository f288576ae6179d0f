/** Small panels (details elements) close by Escape, by a click elsewhere and by each other. */

export function setUpPanels() {
  const panels = [...document.querySelectorAll('details[data-closes]')];
  document.addEventListener('pointerdown', (event) => {
    for (const panel of panels) if (!panel.contains(event.target)) panel.open = false;
  });
  for (const panel of panels) {
    panel.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !panel.open) return;
      event.stopPropagation();
      panel.open = false;
      panel.querySelector('summary').focus();
    });
    panel.addEventListener('toggle', () => {
      if (!panel.open) return;
      for (const other of panels) if (other !== panel) other.open = false;
    });
  }
}
