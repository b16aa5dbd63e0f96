// Writing: a plain textarea with Markdown buttons, a preview made by the server, and a count of words against the bounds.
(function () {
  "use strict";
  var bench = window.workbench;
  if (!bench) return;
  var byId = bench.byId, area = byId("text"), field = area.dataset.field, listed = area.dataset.sources;
  var sources = bench.sources(), notes = byId("notes");
  var least = Number(area.dataset.min || 0), most = Number(area.dataset.max || 0);

  function countWords() {
    var words = area.value.split(/\s+/).filter(Boolean).length, box = byId("words");
    var isShort = least && words < least, isLong = most && words > most;
    box.textContent = words + (words === 1 ? " word" : " words") + (isShort ? ", " + (least - words) + " to go" : isLong ? ", " + (words - most) + " too many" : "");
    box.classList.toggle("gh-wait", !!(words && isShort));
    box.classList.toggle("gh-stopped", !!isLong);
    box.classList.toggle("gh-tone", !!(isLong || (words && isShort)));
  }

  var wraps = { bold: ["**", "**"], italic: ["*", "*"] };
  var leads = { heading: "### ", quote: "> ", list: "- ", ordered: "1. " };
  function format(name) {
    var from = area.selectionStart, to = area.selectionEnd, chosen = area.value.slice(from, to);
    area.focus();
    if (wraps[name]) insert(wraps[name][0] + (chosen || "text") + wraps[name][1]);
    else if (name === "link") insert("[" + (chosen || "text") + "](https://)");
    else {
      var start = area.value.lastIndexOf("\n", from - 1) + 1;
      area.setSelectionRange(start, to);
      insert(area.value.slice(start, to).split("\n").map(function (line, index) { return (name === "ordered" ? index + 1 + ". " : leads[name]) + line; }).join("\n"));
    }
  }
  function insert(text) { area.setRangeText(text, area.selectionStart, area.selectionEnd, "end"); area.dispatchEvent(new Event("input", { bubbles: true })); }

  document.querySelectorAll("[data-format]").forEach(function (button) { button.addEventListener("click", function () { format(button.dataset.format); }); });
  area.addEventListener("keydown", function (event) {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    var name = { b: "bold", i: "italic" }[event.key.toLowerCase()];
    if (name) { event.preventDefault(); format(name); }
  });

  var preview = byId("preview"), toggle = byId("preview-toggle");
  toggle.addEventListener("click", function () {
    var isOn = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(isOn));
    area.hidden = isOn;
    preview.hidden = !isOn;
    if (!isOn) { area.focus(); return; }
    preview.textContent = "Drawing the preview…";
    bench.send(toggle.dataset.url, { text: area.value }).then(function (reply) {
      if (reply.ok) preview.innerHTML = reply.answer.html; else preview.textContent = reply.answer.detail || "The preview could not be drawn.";
    }).catch(function () { preview.textContent = "No connection: the preview is drawn by the server."; });
  });
  area.addEventListener("input", countWords);

  bench.use({
    collect: function () {
      var answer = {}, named = sources.collect();
      answer[field] = area.value;
      if (listed && named.length) answer[listed] = named;
      if (notes && notes.value.trim()) answer[notes.dataset.field] = notes.value;
      return answer;
    },
    restore: function (answer) {
      area.value = answer[field] || "";
      if (listed) sources.restore(answer[listed]);
      if (notes) notes.value = answer[notes.dataset.field] || "";
      countWords();
    }
  });
  countWords();
})();
