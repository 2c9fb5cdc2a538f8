// The drawer that shows a cell, or the stacks of a column, in full.

function makeDialog(onClose) {
  const title = h("h2", { id: "drawer-title", tabindex: -1 });
  const link = h("button", { type: "button", onclick: () => copy(location.href, link) }, "Copy link");
  const close = h("button", { type: "button", onclick: () => dialog.close() }, "Close");
  const content = h("div.content");
  const dialog = h("dialog.drawer", { "aria-labelledby": "drawer-title" },
    h("header", null, title, h("div.actions", null, link, close)), content);
  dialog.addEventListener("close", () => onClose());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  return { dialog, title, content };
}

function fill({ dialog, title, content }, heading, parts) {
  title.replaceChildren();
  append(title, [heading]);
  content.replaceChildren();
  append(content, parts);
  if (!dialog.open) {
    dialog.showModal();
    title.focus();
  }
  content.scrollTop = 0;
}
