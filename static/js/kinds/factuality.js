// Factuality: spans over the posted text by pointer or keys, labelled, with evidence. Offsets are Unicode code points.
(function () {
  "use strict";
  var bench = window.workbench, reply = document.getElementById("reply");
  if (!bench || !reply) return;
  var byId = bench.byId;
  var posted = JSON.parse(byId("reply-text").textContent), chars = Array.from(posted);
  var labels = Array.from(byId("label-pop").content.querySelectorAll("[data-label]")).map(function (button) {
    return { value: button.dataset.label, key: button.dataset.labelKey, title: button.dataset.title };
  });
  var titles = {};
  labels.forEach(function (label) { titles[label.value] = label.title; });
  var spans = [], editing = null, pop = null, pending = null, mode = null, isReadOnly = bench.isReview;
  var sources = bench.sources(), confidence = 0;

  // --- The text: paragraphs of code points -------------------------------------------------------------------------
  var paragraphs = [], words = [];
  (function split() {
    var start = 0, at = 0;
    function push(end) {
      var from = start, to = end;
      while (from < to && /\s/.test(chars[from])) from += 1;
      while (to > from && /\s/.test(chars[to - 1])) to -= 1;
      if (to > from) paragraphs.push({ start: from, end: to });
    }
    while (at < chars.length) {
      if (chars[at] === "\n") {
        var next = at + 1;
        while (next < chars.length && chars[next] !== "\n" && /\s/.test(chars[next])) next += 1;
        if (next < chars.length && chars[next] === "\n") { push(at); start = next + 1; at = next; }
      }
      at += 1;
    }
    push(chars.length);
    reply.replaceChildren();
    paragraphs.forEach(function (paragraph, number) {
      var box = document.createElement("div"), p = document.createElement("p");
      box.className = "gh-para";
      p.dataset.par = number;
      box.append(p);
      reply.append(box);
      paragraph.element = p;
      var from = -1;
      for (var i = paragraph.start; i <= paragraph.end; i += 1) {
        var isSpace = i === paragraph.end || /\s/.test(chars[i]);
        if (!isSpace && from < 0) from = i;
        if (isSpace && from >= 0) { words.push({ start: from, end: i, par: number }); from = -1; }
      }
    });
  })();
  function textOf(start, end) { return chars.slice(start, end).join(""); }
  function points(text) { return Array.from(text).length; }

  function sorted() { return spans.slice().sort(function (a, b) { return a.start - b.start || a.end - b.end; }); }

  function drawText() {
    var inOrder = sorted();
    paragraphs.forEach(function (paragraph) {
      var cuts = new Set([paragraph.start, paragraph.end]);
      inOrder.forEach(function (span) {
        if (span.start < paragraph.end && span.end > paragraph.start) {
          cuts.add(Math.max(span.start, paragraph.start));
          cuts.add(Math.min(span.end, paragraph.end));
        }
      });
      var edges = Array.from(cuts).sort(function (a, b) { return a - b; });
      paragraph.element.replaceChildren();
      for (var i = 0; i + 1 < edges.length; i += 1) paragraph.element.append(piece(edges[i], edges[i + 1], inOrder));
    });
  }

  function piece(start, end, inOrder) {
    var over = inOrder.filter(function (span) { return span.start <= start && span.end >= end; });
    if (!over.length) return document.createTextNode(textOf(start, end));
    var span = over.indexOf(editing) >= 0 ? editing : over[over.length - 1], mark = document.createElement("mark");
    mark.className = "gh-span gh-" + span.label + (span === editing ? " is-on" : "");
    mark.textContent = textOf(start, end);
    mark.dataset.id = spans.indexOf(span);
    if (span.end === end) mark.dataset.n = inOrder.indexOf(span) + 1;
    return mark;
  }

  // --- From the page to code points, and back ------------------------------------------------------------------------
  function offsetOf(node, offset) {
    var element = node.nodeType === 1 ? node : node.parentElement, p = element && element.closest("[data-par]");
    if (!p || !reply.contains(p)) return -1;
    var range = document.createRange();
    range.setStart(p, 0);
    range.setEnd(node, offset);
    return paragraphs[Number(p.dataset.par)].start + points(range.toString());
  }

  function placeOf(offset, isEnd) {
    var paragraph = paragraphs.find(function (one) { return isEnd ? offset > one.start && offset <= one.end : offset >= one.start && offset < one.end; });
    if (!paragraph) return null;
    var left = offset - paragraph.start, walker = document.createTreeWalker(paragraph.element, NodeFilter.SHOW_TEXT), node, last = null;
    while ((node = walker.nextNode())) {
      var inside = Array.from(node.data);
      if (left < inside.length || (isEnd && left === inside.length)) return { node: node, offset: inside.slice(0, left).join("").length };
      left -= inside.length;
      last = node;
    }
    return last && { node: last, offset: last.data.length };
  }

  function trim(start, end) {
    while (start < end && /\s/.test(chars[start])) start += 1;
    while (end > start && /\s/.test(chars[end - 1])) end -= 1;
    return end > start ? { start: start, end: end } : null;
  }

  function select(start, end) {
    var from = placeOf(start, false), to = placeOf(end, true);
    if (from && to) getSelection().setBaseAndExtent(from.node, from.offset, to.node, to.offset);
  }

  function readSelection() {
    var selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    var range = selection.getRangeAt(0);
    if (!reply.contains(range.startContainer)) return null;
    var start = offsetOf(range.startContainer, range.startOffset);
    var end = reply.contains(range.endContainer) ? offsetOf(range.endContainer, range.endOffset) : paragraphs[paragraphs.length - 1].end;
    return start < 0 || end < 0 ? null : trim(start, end);
  }

  // --- Labels ----------------------------------------------------------------------------------------------------------
  function openPop(range, span) {
    closePop();
    pending = { range: range, span: span || null };
    pop = byId("label-pop").content.firstElementChild.cloneNode(true);
    var home = paragraphs.find(function (one) { return range.end > one.start && range.end <= one.end; }) || paragraphs[0];
    var box = home.element.parentElement, place = placeOf(range.end, true), to = document.createRange();
    to.setStart(place.node, Math.max(0, place.offset - 1));
    to.setEnd(place.node, place.offset);
    var rect = to.getBoundingClientRect(), frame = box.getBoundingClientRect();
    box.append(pop);
    pop.style.top = Math.round(rect.bottom - frame.top + 6) + "px";
    pop.style.left = Math.round(Math.max(0, Math.min(rect.left - frame.left - 60, frame.width - pop.offsetWidth))) + "px";
    pop.setAttribute("aria-label", "What is wrong with “" + shorten(textOf(range.start, range.end), 60) + "”?");
    pop.querySelectorAll("[data-label]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(!!span && span.label === button.dataset.label));
      button.addEventListener("click", function () { choose(button.dataset.label); });
    });
    var remove = pop.querySelector("[data-remove]");
    remove.hidden = !span;
    remove.addEventListener("click", function () { drop(span); });
    (pop.querySelector("[aria-pressed=true]") || pop.querySelector("[data-label]")).focus({ preventScroll: true });
    pop.scrollIntoView({ block: matchMedia("(max-width: 62rem)").matches ? "center" : "nearest" });
  }

  function closePop() { if (pop) { pop.remove(); pop = null; pending = null; } }

  function choose(label) {
    var span = pending.span;
    if (!span) {
      var same = spans.find(function (one) { return one.start === pending.range.start && one.end === pending.range.end && one.label === label; });
      span = same || { start: pending.range.start, end: pending.range.end, label: label, evidence: "", correction: "" };
      if (!same) spans.push(span);
    }
    span.label = label;
    closePop();
    leaveMode();
    getSelection().removeAllRanges();
    edit(span);
    say("Marked as " + titles[label].toLowerCase() + ".");
    bench.changed();
  }

  function drop(span) {
    spans.splice(spans.indexOf(span), 1);
    if (editing === span) editing = null;
    closePop();
    draw();
    say("Finding removed.");
    reply.focus({ preventScroll: true });
    bench.changed();
  }

  function edit(span) {
    editing = span;
    draw();
    var area = byId("findings").querySelector("[data-evidence]");
    if (area) { area.focus({ preventScroll: true }); area.scrollIntoView({ block: "center" }); }
  }

  // --- Findings --------------------------------------------------------------------------------------------------------
  function shorten(text, most) { var all = Array.from(text.replace(/\s+/g, " ")); return all.length > most ? all.slice(0, most - 1).join("").trimEnd() + "…" : all.join(""); }
  function make(tag, css, text) { var node = document.createElement(tag); if (css) node.className = css; if (text !== undefined) node.textContent = text; return node; }
  function isComplete(span) { return !!span.evidence.trim(); }

  function draw() { drawText(); drawFindings(); }

  function drawFindings() {
    var list = byId("findings"), inOrder = sorted();
    list.replaceChildren();
    inOrder.forEach(function (span, index) { list.append(finding(span, index + 1)); });
    byId("findings-none").hidden = inOrder.length > 0;
    count();
  }

  function count() {
    var done = spans.filter(isComplete).length;
    byId("findings-count").textContent = spans.length ? spans.length + (spans.length === 1 ? " span, " : " spans, ") + done + " complete" : "";
  }

  function finding(span, number) {
    var article = make("article", "gh-finding gh-" + span.label), head = make("div", "gh-split"), flag = make("span", "gh-flag");
    flag.append(make("b", "", String(number)), document.createTextNode(titles[span.label]));
    head.append(flag);
    article.append(head, make("blockquote", "", shorten(textOf(span.start, span.end), 140)));
    if (span === editing) editor(article, head, span, number); else reader(article, head, span, number);
    return article;
  }

  function reader(article, head, span, number) {
    if (!isReadOnly) {
      var button = byId("pencil").content.firstElementChild.cloneNode(true);
      button.setAttribute("aria-label", "Edit finding " + number);
      button.addEventListener("click", function () { edit(span); });
      head.append(button);
    }
    if (isComplete(span)) line(article, "Evidence", span.evidence); else article.append(make("p", "gh-wait gh-tone", "Add evidence or say why none is needed."));
    if (span.correction.trim()) line(article, "Should read", span.correction);
  }

  function line(article, label, text) {
    var p = make("p", "gh-lines");
    p.append(make("span", "gh-muted", label), document.createTextNode(" " + text));
    article.append(p);
  }

  function editor(article, head, span, number) {
    head.append(make("span", "gh-small gh-muted", "Editing"));
    var body = byId("finding-editor").content.cloneNode(true);
    var evidence = body.querySelector("[data-evidence]"), correction = body.querySelector("[data-correction]");
    evidence.value = span.evidence;
    correction.value = span.correction;
    evidence.addEventListener("input", function () { span.evidence = evidence.value; count(); });
    correction.addEventListener("input", function () { span.correction = correction.value; });
    body.querySelector("[data-relabel]").addEventListener("click", function () { openPop({ start: span.start, end: span.end }, span); });
    body.querySelector("[data-remove]").addEventListener("click", function () { drop(span); });
    body.querySelector("[data-done]").addEventListener("click", function () { editing = null; draw(); reply.focus({ preventScroll: true }); });
    body.querySelector("[data-remove]").setAttribute("aria-label", "Remove finding " + number);
    article.append(body);
  }

  function say(text) { byId("mark-status").textContent = text; }

  // --- Marking with keys -------------------------------------------------------------------------------------------------
  function enterMode() {
    if (!words.length) return;
    closePop();
    mode = mode || { first: 0, last: 0, fromNudge: 0, toNudge: 0 };
    reply.focus({ preventScroll: true });
    showMode();
  }

  function leaveMode() { if (mode) { mode.isOff = true; } byId("mark-hint").hidden = true; }
  function isMarking() { return !!mode && !mode.isOff; }

  function bounds() {
    var a = words[Math.min(mode.first, mode.last)], b = words[Math.max(mode.first, mode.last)];
    var start = Math.max(0, Math.min(a.start + mode.fromNudge, chars.length - 1)), end = Math.min(chars.length, Math.max(b.end + mode.toNudge, start + 1));
    return { start: start, end: end };
  }

  function showMode() {
    mode.isOff = false;
    byId("mark-hint").hidden = false;
    var range = bounds();
    select(range.start, range.end);
    say("“" + shorten(textOf(range.start, range.end), 200) + "”");
    var place = placeOf(range.end, true);
    if (place) place.node.parentElement.scrollIntoView({ block: "nearest" });
  }

  function step(by, isExtending) {
    mode.fromNudge = mode.toNudge = 0;
    mode.last = Math.max(0, Math.min(words.length - 1, mode.last + by));
    if (!isExtending) mode.first = mode.last;
    showMode();
  }

  function leap(by, isExtending) {
    var par = words[mode.last].par, target = Math.max(0, Math.min(paragraphs.length - 1, par + by));
    var index = words.findIndex(function (word) { return word.par === target; });
    if (isExtending && by > 0) { index = words.length - 1; for (var i = 0; i < words.length; i += 1) if (words[i].par > par) { index = i - 1; break; } }
    mode.fromNudge = mode.toNudge = 0;
    mode.last = index;
    if (!isExtending) mode.first = index;
    showMode();
  }

  var moves = {
    ArrowRight: function (event) { step(1, event.shiftKey); },
    ArrowLeft: function (event) { step(-1, event.shiftKey); },
    ArrowDown: function (event) { leap(1, event.shiftKey); },
    ArrowUp: function (event) { leap(-1, event.shiftKey); },
    "]": function () { mode.toNudge += 1; showMode(); },
    "[": function () { mode.toNudge -= 1; showMode(); },
    "}": function () { mode.fromNudge += 1; showMode(); },
    "{": function () { mode.fromNudge -= 1; showMode(); },
    Enter: function () { var range = bounds(), inside = trim(range.start, range.end); if (inside) openPop(inside, null); },
    Escape: function () { leaveMode(); getSelection().removeAllRanges(); say("Marking ended."); }
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (pop && onPopKey(event)) return;
    if (bench.isTyping(event.target)) { if (event.key === "Escape" && editing) { editing = null; draw(); reply.focus({ preventScroll: true }); } return; }
    if (document.querySelector("[popover]:popover-open")) return;
    if (isMarking() && moves[event.key] && !event.target.closest("button, a, input, summary")) { event.preventDefault(); event.stopPropagation(); moves[event.key](event); return; }
    if (event.key.toLowerCase() === "m" && !isReadOnly) { event.preventDefault(); enterMode(); }
  }, true);

  function onPopKey(event) {
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      closePop();
      reply.focus({ preventScroll: true });
      return true;
    }
    var label = labels.find(function (one) { return one.key.toLowerCase() === event.key.toLowerCase(); });
    if (!label) return false;
    event.preventDefault();
    event.stopPropagation();
    choose(label.value);
    return true;
  }

  // --- Marking with a pointer ----------------------------------------------------------------------------------------------
  document.addEventListener("pointerup", function (event) {
    if (isReadOnly || (pop && pop.contains(event.target))) return;
    setTimeout(function () {
      var range = readSelection();
      if (range) { leaveMode(); openPop(range, null); return; }
      closePop();
      var mark = event.target.closest && event.target.closest("mark[data-id]");
      if (mark && reply.contains(mark)) { var span = spans[Number(mark.dataset.id)]; edit(span); openPop({ start: span.start, end: span.end }, span); }
    }, 0);
  });

  // --- The answer ----------------------------------------------------------------------------------------------------------
  function checked(name) { var on = document.querySelector("[name=" + name + "]:checked"); return on ? on.value : ""; }
  function showReason() { byId("cannot-why").hidden = checked("verdict") !== "cannot_assess"; }
  document.querySelectorAll("[name=verdict]").forEach(function (radio) { radio.addEventListener("change", showReason); });

  function setReadOnly(isOn) {
    isReadOnly = isOn;
    document.querySelectorAll("[name=verdict], #cannot-reason, #justification").forEach(function (control) { control.disabled = isOn; });
    byId("src-add").hidden = isOn;
    draw();
  }

  bench.use({
    setReadOnly: setReadOnly,
    collect: function () {
      var answer = { spans: sorted().map(function (span) {
        var row = { start: span.start, end: span.end, label: span.label, text: textOf(span.start, span.end), evidence: span.evidence };
        if (span.correction.trim()) row.correction = span.correction;
        return row;
      }) };
      var verdict = checked("verdict"), named = sources.collect(), why = byId("cannot-reason").value, note = byId("justification").value;
      if (verdict) answer.verdict = verdict;
      if (verdict === "cannot_assess" && why.trim()) answer.cannot_assess_reason = why;
      if (note.trim()) answer.justification = note;
      if (named.length) answer.sources = named;
      if (confidence) answer.confidence = confidence;
      return answer;
    },
    restore: function (answer) {
      confidence = answer.confidence || 0;
      spans = (answer.spans || []).filter(function (span) { return titles[span.label]; }).map(function (span) {
        return { start: span.start, end: span.end, label: span.label, evidence: span.evidence || "", correction: span.correction || "" };
      });
      document.querySelectorAll("[name=verdict]").forEach(function (radio) { radio.checked = radio.value === answer.verdict; });
      byId("cannot-reason").value = answer.cannot_assess_reason || "";
      byId("justification").value = answer.justification || "";
      sources.restore(answer.sources);
      showReason();
      draw();
    }
  });
  setReadOnly(isReadOnly);
  showReason();
})();
