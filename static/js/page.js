// What every page does: ? opens the list of keys, and a form is sent once however often it is pressed.
(function () {
  "use strict";
  function isTyping(target) {
    return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  }
  document.addEventListener("keydown", function (event) {
    if (event.key !== "?" || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    var sheet = document.getElementById("keys-sheet");
    if (!sheet) return;
    event.preventDefault();
    sheet.togglePopover();
  });
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    var target = document.querySelector('[data-key="' + CSS.escape(event.key.toLowerCase()) + '"]');
    if (!target || target.disabled || document.querySelector("[popover]:popover-open")) return;
    event.preventDefault();
    if (target.matches("input[type=text], textarea, select")) target.focus(); else target.click();
  });
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented) return;
    if (form.dataset.sent && !form.hasAttribute("hx-post")) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    setTimeout(function () { delete form.dataset.sent; }, 4000);
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button) return;
    var source = document.getElementById(button.dataset.copy);
    navigator.clipboard.writeText(source.textContent.trim()).then(function () { button.dataset.copied = "1"; });
  });
})();
