(() => {
  const box = document.getElementById("assay-search");
  const said = document.querySelector(".search output");
  const items = [...document.querySelectorAll("main .card, main details tbody tr")];
  const groups = [...document.querySelectorAll("main h3")];
  const words = new Map(items.map((item) => {
    let above = item.previousElementSibling;
    while (above && above.tagName !== "H3" && item.classList.contains("card")) above = above.previousElementSibling;
    return [item, ((above && above.tagName === "H3" ? above.textContent : "") + " " + item.textContent).toLowerCase()];
  }));
  box.closest("p").hidden = false;
  box.addEventListener("input", () => {
    const wanted = box.value.trim().toLowerCase();
    let shown = 0;
    for (const item of items) {
      item.hidden = wanted !== "" && !words.get(item).includes(wanted);
      shown += item.hidden ? 0 : 1;
      if (wanted && !item.hidden && item.closest("details")) item.closest("details").open = true;
    }
    for (const group of groups) {
      let next = group.nextElementSibling, any = false;
      while (next && next.classList.contains("card")) { any = any || !next.hidden; next = next.nextElementSibling; }
      group.hidden = !any;
    }
    said.textContent = wanted ? `${shown} of ${items.length}` : "";
  });
})();
