// A mark under the pointer or finger says what it is. Everything said here also stands in a table.
(() => {
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const cell = (image, event) => {
    const { names, values } = image.closest("[data-values]").dataset;
    const of = names.split("|"), box = image.getBoundingClientRect();
    const at = (place, size) => Math.min(of.length - 1, Math.max(0, Math.floor(place / size * of.length)));
    const row = at(event.clientY - box.top, box.height);
    const column = at(event.clientX - box.left, box.width);
    const value = values.split("|")[row].split(",")[column];
    return `${of[row]} × ${of[column]}: ${value || 0}`;
  };
  const show = (event) => {
    const mark = event.target.closest && event.target.closest("[data-tip], [data-grid]");
    if (!mark) return hide();
    tip.textContent = mark.dataset.tip ?? cell(mark, event);
    tip.hidden = false;
    const edge = 8, { width, height } = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 12, innerWidth - width - edge);
    const above = event.clientY - height - 14;
    tip.style.left = Math.max(edge, left) + "px";
    tip.style.top = (above < edge ? event.clientY + 18 : above) + "px";
  };
  addEventListener("pointermove", show);
  addEventListener("pointerdown", show);
  addEventListener("scroll", hide, { passive: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
