// Copies, and says on the button that it did.

const SAID_MS = 1600;

/** Puts a text on the clipboard and shows for a moment on a button that it is there. */
export async function copyAndSay(content, button, said = "Copied") {
  const name = (button.dataset.name ??= button.textContent);
  let copied = true;
  try {
    await navigator.clipboard.writeText(content);
  } catch {
    copied = copyTheOldWay(content);
  }
  button.textContent = copied ? said : "Copying failed";
  button.focus();
  setTimeout(() => (button.textContent = name), SAID_MS);
}

// The clipboard interface exists on https and localhost only.
function copyTheOldWay(content) {
  const carrier = document.createElement("textarea");
  carrier.value = content;
  carrier.className = "visually-hidden";
  document.body.append(carrier);
  carrier.select();
  const copied = document.execCommand("copy");
  carrier.remove();
  return copied;
}
