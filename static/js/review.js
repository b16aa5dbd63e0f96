// The review bench: notes kept as a draft, a fix that starts from the answer, and decisions chosen by key, sent by Enter.
(function () {
  "use strict";
  var bench = window.workbench;
  if (!bench || !bench.isReview) return;
  var byId = bench.byId, form = byId("wb-form"), notes = byId("id_notes"), category = byId("id_category");
  var fixText = byId("fix-text"), fixed = byId("fixed-text"), fixButton = byId("wb-fix"), isFixing = false;

  function countNotes() { var n = notes.value.trim().length; byId("notes-length").textContent = n ? n + (n === 1 ? " character" : " characters") : ""; }

  function beginFix() {
    isFixing = true;
    fixButton.setAttribute("aria-pressed", "true");
    if (fixText) { fixText.hidden = false; fixed.focus(); fixText.scrollIntoView({ block: "center" }); }
    if (bench.answer && bench.answer.setReadOnly) { bench.answer.setReadOnly(false); byId("reply").focus(); }
  }

  fixButton.addEventListener("click", function (event) {
    if (isFixing) return;
    event.preventDefault();
    beginFix();
  });

  form.addEventListener("submit", function () {
    var answer = JSON.parse(byId("wb-submission").textContent);
    if (!isFixing) return;
    if (bench.answer && bench.answer.collect) answer = bench.answer.collect();
    else if (fixed) answer[answer.piece !== undefined ? "piece" : "answer"] = fixed.value;
    byId("wb-fixed").value = JSON.stringify(answer);
  });

  var toggle = byId("changes-toggle");
  if (toggle) toggle.addEventListener("click", function () {
    var isOn = toggle.getAttribute("aria-pressed") !== "true";
    toggle.setAttribute("aria-pressed", String(isOn));
    byId("answer-changes").hidden = !isOn;
    byId("answer-clean").hidden = isOn;
  });

  // A decision key moves the focus to its button; Enter sends it. One slip of a finger decides nothing.
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || bench.isTyping(event.target)) return;
    if (document.querySelector("[popover]:popover-open")) return;
    var key = event.key.toLowerCase(), button = document.querySelector('[data-focus-key="' + CSS.escape(key) + '"]');
    if (key === "n") { event.preventDefault(); notes.focus(); return; }
    if (!button) return;
    event.preventDefault();
    if (button === fixButton && !isFixing) beginFix(); else button.focus();
  });

  notes.addEventListener("input", countNotes);
  bench.useReview({
    collect: function () {
      var body = { notes: notes.value, category: category.value };
      if (isFixing) body.fixed = bench.answer && bench.answer.collect ? bench.answer.collect() : fixed ? fixed.value : null;
      return body;
    },
    restore: function (body) {
      if (!notes.value) notes.value = body.notes || "";
      if (!category.value) category.value = body.category || "";
      if (body.fixed) {
        beginFix();
        if (typeof body.fixed === "string" && fixed) fixed.value = body.fixed;
        else if (bench.answer && bench.answer.restore) bench.answer.restore(body.fixed);
      }
      countNotes();
    }
  });
  countNotes();
})();
