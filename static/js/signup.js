// Tell the new account which time zone its browser lives in; without it times are shown in UTC.
(function () {
  "use strict";
  var field = document.getElementById("id_time_zone");
  if (field) field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
})();
