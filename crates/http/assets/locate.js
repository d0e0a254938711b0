// Adds the button that fills the form's point with where the reader stands. What it says stands in the page.
"use strict";
for (const field of document.querySelectorAll("[data-locate]")) {
  if (!window.isSecureContext || !("geolocation" in navigator)) continue;
  const input = field.querySelector("input");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn";
  button.textContent = field.dataset.locate;
  const said = document.createElement("span");
  said.className = "hint";
  said.setAttribute("role", "status");
  button.addEventListener("click", () => {
    button.disabled = true;
    said.textContent = field.dataset.locating;
    const done = (text) => {
      button.disabled = false;
      said.textContent = text;
    };
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        input.value = `${coords.latitude.toFixed(6)}, ${coords.longitude.toFixed(6)}`;
        done("");
        input.focus();
      },
      () => done(field.dataset.notLocated),
      { enableHighAccuracy: true, timeout: 20000, maximumAge: 60000 },
    );
  });
  field.append(button, said);
}
