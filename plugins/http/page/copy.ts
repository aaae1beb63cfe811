/// <reference lib="dom" />
/**
 * Copying to the clipboard.
 *
 * @module
 */

/** Makes a button copy a text, and say so. */
export function copyOn(button: HTMLButtonElement, status: HTMLElement, text: () => string): void {
  const words = button.textContent ?? "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  button.addEventListener("click", async () => {
    const done = await copy(text());
    status.textContent = done ? "Copied." : "The browser does not let this page copy: select the text and copy it by hand.";
    button.textContent = done ? "Copied" : words;
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = words;
      status.textContent = "";
    }, 2000);
  });
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Where a page comes over plain HTTP there is no clipboard, but there is the command. */
function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
