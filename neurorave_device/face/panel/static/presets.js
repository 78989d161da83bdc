// The presets: a list with load, rename and delete, and a name to save under. What would destroy asks once more.

const SURE_MS = 4000;

export class Presets {
  constructor(link) {
    const byId = (id) => document.getElementById(id);
    this.root = byId("presets");
    this.list = byId("preset-list");
    this.name = byId("preset-name");
    this.buttons = ["load", "rename", "delete"].map((act) => byId(`preset-${act}`));
    const [load, rename, remove] = this.buttons;
    const save = byId("preset-save");
    this.link = link;
    load.addEventListener("click", () => this.act("load", this.list.value));
    rename.addEventListener("click", () => this.act("rename", this.list.value, { new: this.name.value }));
    remove.addEventListener("click", () => {
      if (sure(remove, "Really delete?")) this.act("delete", this.list.value);
    });
    byId("preset-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const known = [...this.list.options].some((row) => row.value === this.name.value.trim());
      if (!known || sure(save, "Replace it?")) this.act("save", this.name.value);
    });
    this.list.addEventListener("change", () => { this.name.value = this.list.value; });
  }

  act(act, name, more) {
    this.link.act({ do: "preset", act, name, ...more });
  }

  // Show what there is; the choice stays where it is still among them.
  show(names) {
    const chosen = this.list.value;
    this.root.hidden = false;
    this.list.replaceChildren(...names.map((name) => new Option(name, name, false, name === chosen)));
    for (const control of [this.list, ...this.buttons]) control.disabled = names.length === 0;
  }
}

// Say whether a button is pressed for the second time within some seconds; the first time it asks.
function sure(button, question) {
  if (button.dataset.plain) {
    settle(button);
    return true;
  }
  button.dataset.plain = button.textContent;
  button.textContent = question;
  button.dataset.timer = setTimeout(() => settle(button), SURE_MS);
  return false;
}

function settle(button) {
  clearTimeout(Number(button.dataset.timer));
  if (button.dataset.plain) button.textContent = button.dataset.plain;
  delete button.dataset.plain;
}
