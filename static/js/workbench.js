// The workbench: the meter's page side, drafts within two seconds, the lease, and keys. The server counts; this shows.
(function () {
  "use strict";
  var bar = document.getElementById("wb-bar");
  if (!bar) return;
  var BEAT_MS = 15000, SAVE_AFTER_MS = 800, SAVE_AT_MOST_MS = 1800, RETRY_MS = 5000, WARN_MS = 60000;
  var data = bar.dataset, form = document.getElementById("wb-form");
  var token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  var storeKey = "gh-draft-" + data.claim;
  var zone = data.zone || undefined;

  function byId(id) { return document.getElementById(id); }
  function setText(id, text) { var node = byId(id); if (node && node.textContent !== text) node.textContent = text; }
  function show(id, isShown) { var node = byId(id); if (node && node.hidden === isShown) node.hidden = !isShown; }
  function two(n) { return (n < 10 ? "0" : "") + n; }
  function clock(s) { return two(Math.floor(s / 3600)) + ":" + two(Math.floor(s / 60) % 60) + ":" + two(s % 60); }
  function capClock(s) { return Math.floor(s / 60) + ":" + two(s % 60); }
  function money(minor) {
    return new Intl.NumberFormat("en-US", { style: "currency", currency: data.currency === "XTS" ? "USD" : data.currency }).format(minor / 100).replace("$", data.currency === "XTS" ? "¤" : "$");
  }
  function hourMinute(date) { return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone }).format(date); }
  function isTyping(target) { return !!target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]"); }

  function send(url, body, options) {
    return fetch(url, Object.assign({
      method: "POST",
      credentials: "same-origin",
      headers: { "Content-Type": "application/json", "Accept": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body)
    }, options || {})).then(function (response) {
      return response.json().catch(function () { return {}; }).then(function (answer) {
        return { ok: response.ok, status: response.status, answer: answer };
      });
    });
  }

  // --- The meter -------------------------------------------------------------------------------------------------
  var meter = {
    active: Number(data.active), earned: Number(data.earned), cap: Number(data.cap), rate: Number(data.rate),
    lease: Date.parse(data.lease), isCounting: false, at: Date.now()
  };
  var skew = Date.parse(data.now) - Date.now();
  var nonce = data.nonce, counter = Number(data.counter), queued = 0;
  var lastInput = Date.now(), hadInput = true, isOver = false, isBeating = false, idleMs = Number(data.idle) * 1000;
  var said = { half: false, full: false, lease: false }, pausedUntil = 0;

  function beat() {
    if (isOver || isBeating) return;
    isBeating = true;
    counter += 1;
    var body = {
      fence: Number(data.fence), nonce: nonce, counter: counter,
      is_visible: document.visibilityState === "visible", had_input: hadInput, queued: queued
    };
    send(data.beat, body).then(function (reply) {
      isBeating = false;
      if (reply.status >= 500) { queued += 1; return; }
      setOnline(true);
      if (!reply.ok) { refuse(reply); return; }
      queued = 0;
      hadInput = false;
      take(reply.answer);
    }).catch(function () { isBeating = false; queued += 1; setOnline(false); });
  }

  function take(answer) {
    if (answer.nonce) nonce = answer.nonce;
    if (typeof answer.counter === "number" && answer.counter > counter) counter = answer.counter;
    if (typeof answer.active_seconds === "number") { meter.active = answer.active_seconds; meter.at = Date.now(); }
    if (typeof answer.earned_minor === "number") meter.earned = answer.earned_minor;
    if (answer.cap_seconds) meter.cap = answer.cap_seconds;
    if (answer.lease_until) { meter.lease = Date.parse(answer.lease_until); }
    if (answer.now) skew = Date.parse(answer.now) - Date.now();
    if (typeof answer.can_extend_cap === "boolean") data.mayExtend = answer.can_extend_cap ? "1" : "";
    meter.isCounting = answer.is_counting !== false;
    pausedUntil = answer.paused_until ? Date.parse(answer.paused_until) : 0;
    if (typeof answer.is_research === "boolean" && byId("wb-research")) byId("wb-research").checked = answer.is_research;
    draw();
  }

  function refuse(reply) {
    if (reply.status === 403 || reply.status === 404 || reply.status === 409) {
      isOver = true;
      meter.isCounting = false;
      if (reply.answer.code === "taken_over") { show("wb-taken", true); } else {
        if (reply.answer.detail) setText("wb-over-text", reply.answer.detail + " Your draft is kept.");
        show("wb-over", true);
      }
      keepHere();
      draw();
    }
  }

  function draw() {
    var now = Date.now(), isIdle = now - lastInput > idleMs && !(byId("wb-research") || {}).checked;
    var isSeen = document.visibilityState === "visible";
    var runs = meter.isCounting && isSeen && !isIdle && !isOver;
    var active = meter.active + (runs ? Math.min(Math.floor((now - meter.at) / 1000), 30) : 0);
    var paid = Math.min(active, meter.cap);
    setText("wb-active", clock(active));
    setText("wb-active-label", isOver ? "Stopped" : (byId("wb-research") || {}).checked ? "Research" : isIdle ? "Idle" : "Active");
    setText("wb-earned", money(Math.max(meter.earned, Math.round(paid * meter.rate / 3600))));
    var share = meter.cap ? active / meter.cap : 0, box = byId("wb-cap-box");
    byId("wb-cap").value = Math.min(active, meter.cap);
    byId("wb-cap").max = meter.cap;
    box.classList.toggle("gh-wait", share >= 0.8 && share < 1);
    box.classList.toggle("gh-stopped", share >= 1);
    setText("wb-cap-label", share >= 0.8 ? "Cap " + capClock(meter.cap) + ", " + Math.floor(share * 100) + " %" : "Cap " + capClock(meter.cap));
    show("wb-more", share >= 0.8 && !isOver && data.mayExtend === "1");
    if (share >= 0.8 && !said.half) { said.half = true; warn("You have used four fifths of the cap of " + capClock(meter.cap) + ". Time beyond it is not paid." + (data.mayExtend === "1" ? " Press + for a quarter more." : "")); }
    if (share >= 1 && !said.full) { said.full = true; warn("The cap of " + capClock(meter.cap) + " is reached. From here on time is not paid; you can still submit."); }
    var isPaused = pausedUntil > now + skew;
    show("wb-paused", isPaused && !isOver);
    if (isPaused) setText("wb-paused-text", "The meter stands still and the slot is yours until " + hourMinute(new Date(pausedUntil)) + ".");
    show("wb-idle", isIdle && !isOver && isSeen && !isPaused);
    drawLease(now);
  }

  function drawLease(now) {
    var left = meter.lease - (now + skew), box = byId("wb-lease-box");
    if (isOver) return;
    if (left <= 0) { setText("wb-lease", "ended"); }
    else if (left <= WARN_MS) { setText("wb-lease", capClock(Math.ceil(left / 1000))); }
    else { setText("wb-lease", hourMinute(new Date(meter.lease)) + ", in " + Math.floor(left / 60000) + " min"); }
    var isSoon = left <= WARN_MS;
    box.classList.toggle("gh-wait", isSoon);
    byId("wb-lease-text").classList.toggle("gh-tone", isSoon);
    show("wb-extend", isSoon);
    if (isSoon && !said.lease) { said.lease = true; warn("The lease ends in " + Math.max(0, Math.ceil(left / 1000)) + " s. Press E to extend it; your draft is kept either way."); }
    if (!isSoon && said.lease) { said.lease = false; show("wb-warn", false); }
  }

  function warn(text) { setText("wb-warn-text", text); show("wb-warn", true); }

  function extend(what) {
    send(data.extend, { what: what, fence: Number(data.fence) }).then(function (reply) {
      if (!reply.ok) { warn(reply.answer.detail || "That could not be extended."); return; }
      if (what === "cap") said.half = said.full = false;
      show("wb-warn", false);
      take(reply.answer);
    }).catch(function () { setOnline(false); });
  }

  function research(isOn) {
    send(data.research, { on: isOn, fence: Number(data.fence) }).then(function (reply) {
      if (!reply.ok) { byId("wb-research").checked = !isOn; warn(reply.answer.detail || "Research could not be declared."); return; }
      take(reply.answer);
    }).catch(function () { byId("wb-research").checked = !isOn; setOnline(false); });
  }

  function pause(isOn) {
    send(data.pause, { on: isOn, fence: Number(data.fence) }).then(function (reply) {
      if (!reply.ok) { warn(reply.answer.detail || "The pause could not be declared."); return; }
      take(reply.answer);
    }).catch(function () { setOnline(false); });
  }

  ["keydown", "pointerdown", "pointermove", "wheel", "touchstart"].forEach(function (name) {
    document.addEventListener(name, function () {
      var wasIdle = Date.now() - lastInput > idleMs;
      lastInput = Date.now();
      hadInput = true;
      if (wasIdle) beat();
    }, { passive: true, capture: true });
  });
  document.addEventListener("visibilitychange", function () {
    if (document.visibilityState === "hidden") save(true);
    beat();
    draw();
  });

  // --- The draft -------------------------------------------------------------------------------------------------
  var kind = null, revision = Number(data.revision), saved = "", saveTimer = 0, firstChange = 0, isSaving = false, isAgain = false, isConflict = false;
  var lostAt = 0, isForced = false;

  function changed() {
    if (isOver || !kind) return;
    var now = Date.now();
    if (!firstChange) firstChange = now;
    clearTimeout(saveTimer);
    saveTimer = setTimeout(save, Math.max(0, Math.min(SAVE_AFTER_MS, firstChange + SAVE_AT_MOST_MS - now)));
    if (!lostAt) setDraft("Saving…", "");
  }

  function save(isLeaving) {
    if (!kind || isOver || isConflict) return;
    var body = kind.collect(), text = JSON.stringify(body);
    clearTimeout(saveTimer);
    firstChange = 0;
    if (text === saved) { if (!lostAt) setDraft(revision ? "Saved" : "Empty", ""); return; }
    if (isSaving) { isAgain = true; return; }
    isSaving = true;
    send(data.draft, { revision: revision, body: body, is_forced: isForced }, isLeaving === true ? { keepalive: text.length < 60000 } : {}).then(function (reply) {
      isSaving = false;
      if (reply.ok) { keep(reply.answer, text); return; }
      if (reply.answer.code === "draft_conflict") { conflict(); return; }
      if (reply.status >= 500) { lost(text); return; }
      setDraft("Not saved", "gh-stopped");
      refuse(reply);
      if (!isOver) warn(reply.answer.detail || "The draft was not accepted.");
    }).catch(function () { isSaving = false; setOnline(false); lost(text); });
  }

  function keep(answer, text) {
    saved = text;
    isForced = false;
    revision = answer.revision;
    lostAt = 0;
    forget();
    setOnline(true);
    setDraft("Saved " + hourMinute(new Date(Date.parse(answer.saved_at) || Date.now() + skew)), "");
    if (isAgain) { isAgain = false; save(); }
  }

  function lost(text) {
    if (!lostAt) lostAt = Date.now();
    try { localStorage.setItem(storeKey, JSON.stringify({ revision: revision, body: JSON.parse(text) })); } catch (e) { /* storage may be off */ }
    setDraft("Saved here", "gh-wait");
    setTimeout(save, RETRY_MS);
  }

  function keepHere() {
    if (!kind) return;
    var text = JSON.stringify(kind.collect());
    if (text !== saved) { try { localStorage.setItem(storeKey, JSON.stringify({ revision: revision, body: JSON.parse(text) })); } catch (e) { /* storage may be off */ } }
  }

  function forget() { try { localStorage.removeItem(storeKey); } catch (e) { /* storage may be off */ } }

  function conflict() {
    isConflict = true;
    setDraft("Two versions", "gh-wait");
    show("wb-conflict", true);
  }

  function setDraft(text, tone) {
    setText("wb-draft", text);
    var box = byId("wb-draft-box");
    box.classList.toggle("gh-wait", tone === "gh-wait");
    box.classList.toggle("gh-stopped", tone === "gh-stopped");
    byId("wb-draft").classList.toggle("gh-tone", !!tone);
  }

  function setOnline(isOnline) {
    if (!isOnline && lostAt) setText("wb-offline-text", "Not sent for " + Math.round((Date.now() - lostAt) / 1000) + " s. What you type is saved here; we try again every 5 s.");
    show("wb-offline", !isOnline);
  }

  function restore() {
    var own = JSON.parse((byId("wb-draft-body") || { textContent: "null" }).textContent), local = null;
    try { local = JSON.parse(localStorage.getItem(storeKey)); } catch (e) { /* storage may be off */ }
    if (own) kind.restore(own);
    saved = JSON.stringify(kind.collect());
    if (!local || !local.body) return;
    if (local.revision < revision) { forget(); return; }
    kind.restore(local.body);
    save();
  }

  if (byId("wb-keep-mine")) byId("wb-keep-mine").addEventListener("click", function () {
    isConflict = false;
    isForced = true;
    saved = "";
    show("wb-conflict", false);
    save();
  });
  if (byId("wb-take-theirs")) byId("wb-take-theirs").addEventListener("click", function () { forget(); isOver = true; location.reload(); });
  window.addEventListener("online", function () { beat(); save(); });
  window.addEventListener("offline", function () { setOnline(false); });

  // --- Sources the expert names ------------------------------------------------------------------------------------
  function sourceList() {
    var list = byId("src-list"), template = byId("src-row");
    if (!list) return { collect: function () { return []; }, restore: function () {} };
    function add(text) {
      var row = template.content.firstElementChild.cloneNode(true), area = row.querySelector("textarea");
      area.value = text || "";
      row.querySelector("[data-src-remove]").addEventListener("click", function () { row.remove(); byId("src-add").focus(); changed(); });
      list.append(row);
      return area;
    }
    byId("src-add").addEventListener("click", function () { add("").focus(); });
    return {
      collect: function () {
        return Array.from(list.querySelectorAll("textarea")).map(function (area) { return area.value.trim(); }).filter(Boolean).map(function (text) {
          return /^https?:\/\/\S+$/.test(text) ? { url: text } : { citation: text };
        });
      },
      restore: function (rows) {
        list.replaceChildren();
        (rows || []).forEach(function (row) { add([row.citation, row.url, row.note].filter(Boolean).join(" ")); });
      }
    };
  }

  // --- Submitting and keys -------------------------------------------------------------------------------------------
  if (form) {
    form.addEventListener("submit", function (event) {
      if (isOver) { event.preventDefault(); return; }
      if (kind && byId("wb-response")) byId("wb-response").value = JSON.stringify(kind.collect());
      if (!navigator.onLine) { event.preventDefault(); setOnline(false); save(); }
    });
    form.addEventListener("input", changed);
    form.addEventListener("change", changed);
  }
  if (byId("wb-extend")) byId("wb-extend").addEventListener("click", function () { extend("lease"); });
  if (byId("wb-more")) byId("wb-more").addEventListener("click", function () { extend("cap"); });
  if (byId("wb-research")) byId("wb-research").addEventListener("change", function (event) { research(event.target.checked); });
  if (byId("wb-pause")) byId("wb-pause").addEventListener("click", function () { byId("wb-skip").hidePopover(); save(); pause(true); });
  if (byId("wb-resume")) byId("wb-resume").addEventListener("click", function () { pause(false); });
  document.addEventListener("keydown", function (event) {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && byId("wb-submit")) { event.preventDefault(); byId("wb-submit").click(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
    if (document.querySelector("[popover]:popover-open")) return;
    var key = event.key.toLowerCase();
    if (key === "e") { event.preventDefault(); extend("lease"); }
    else if (event.key === "+" && !byId("wb-more").hidden) { event.preventDefault(); extend("cap"); }
    else if (key === "r" && byId("wb-research")) { event.preventDefault(); byId("wb-research").click(); }
  });

  window.workbench = {
    byId: byId, changed: changed, isTyping: isTyping, send: send, sources: sourceList,
    isReview: data.review === "1", answer: null,
    use: function (panel) {
      if (!this.isReview) { kind = panel; restore(); return; }
      this.answer = panel;
      panel.restore(JSON.parse(byId("wb-submission").textContent));
    },
    useReview: function (panel) { kind = panel; restore(); }
  };
  setInterval(beat, BEAT_MS);
  setInterval(draw, 1000);
  beat();
  draw();
})();
