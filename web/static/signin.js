"use strict";
// A one-time link has its secret behind the #, which browsers do not send. The script moves it into the form and out of the
// address, so that the history does not keep it.
const secret = location.hash.slice(1);
if (secret !== "") {
  history.replaceState(null, "", location.pathname);
  document.getElementById("secret").value = secret;
  document.getElementById("sign-in").submit();
}
