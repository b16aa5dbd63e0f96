// Upload a file of tasks with a bar: the file itself is the body, so the server reads it as it comes.
(function () {
  "use strict";
  var form = document.getElementById("upload");
  if (!form) return;
  var part = function (name) { return document.getElementById("upload-" + name); };
  var sending = null;
  function size(bytes) { return bytes < 1e6 ? Math.ceil(bytes / 1e3) + " kB" : (bytes / 1e6).toFixed(1) + " MB"; }
  function show(html) {
    part("result").innerHTML = html;
    part("result").focus();
  }
  function say(text) {
    var note = document.createElement("div");
    note.className = "gh-note gh-stopped";
    note.setAttribute("role", "alert");
    note.textContent = text;
    part("result").replaceChildren(note);
    part("result").focus();
  }
  function settle() {
    sending = null;
    part("moving").hidden = true;
    part("stop").hidden = true;
    part("send").disabled = false;
  }
  form.addEventListener("submit", function (event) {
    var file = part("file").files[0];
    event.preventDefault();
    if (!file || sending) return;
    sending = new XMLHttpRequest();
    sending.open("POST", form.action + "?mode=" + new FormData(form).get("mode"));
    sending.setRequestHeader("Content-Type", "application/x-ndjson");
    sending.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
    sending.upload.onprogress = function (moved) {
      part("bar").value = moved.total ? 100 * moved.loaded / moved.total : 0;
      part("said").textContent = size(moved.loaded) + " of " + size(moved.total) + " sent";
    };
    sending.upload.onload = function () {
      part("bar").removeAttribute("value");
      part("said").textContent = "All sent. The last lines are checked and stored.";
    };
    sending.onload = function () {
      var isOurs = this.status === 200 || this.status === 422;
      settle();
      if (isOurs) show(this.responseText);
      else say("The upload was refused (" + this.status + "). Load the page again and try once more: nothing is stored twice.");
    };
    sending.onerror = function () { settle(); say("The connection broke. Upload the file again: nothing is stored twice."); };
    sending.onabort = function () { settle(); say("Stopped. If all was sent, it may be stored already; uploading again stores nothing twice."); };
    part("result").replaceChildren();
    part("moving").hidden = false;
    part("stop").hidden = false;
    part("send").disabled = true;
    sending.send(file);
  });
  part("stop").addEventListener("click", function () { if (sending) sending.abort(); });
})();
