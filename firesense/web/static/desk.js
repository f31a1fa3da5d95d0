// Helps whoever stands in front of a house at night: adds where the telephone is, and makes photos small before they are sent.
"use strict";

const LONGEST_SIDE = 1920; // pixels: the server keeps no more
const SMALL = 1_500_000; // bytes: sent as it is

for (const place of document.querySelectorAll("[data-locate]")) {
  if (!navigator.geolocation || !window.isSecureContext) continue;
  place.hidden = false;
  const said = place.querySelector("small");
  place.querySelector("button").addEventListener("click", () => {
    said.textContent = "…";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        for (const name of ["latitude", "longitude", "accuracy"]) {
          place.querySelector(`[name=${name}]`).value = coords[name];
        }
        said.textContent = place.dataset.found.replace("{metres}", Math.round(coords.accuracy));
      },
      () => {
        said.textContent = place.dataset.failed;
      },
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
    );
  });
}

for (const form of document.querySelectorAll("form[data-photo]")) {
  const input = form.querySelector("input[type=file]");
  input?.addEventListener("change", async () => {
    const picked = [...input.files];
    judge(input, picked, form.dataset); // until they are smaller: what was typed must not be lost
    const sent = await Promise.all(picked.map(shrunk));
    if (picked.some((file, index) => file !== input.files[index])) return; // others were chosen meanwhile
    const chosen = new DataTransfer();
    for (const file of sent) chosen.items.add(file);
    input.files = chosen.files;
    if (judge(input, sent, form.dataset)) input.reportValidity();
  });
}

// A form with a photo that the server would refuse is not sent; whoever filled it in is told why, and keeps it.
function judge(input, files, { most, large }) {
  const refused = files.some((file) => file.size > Number(most));
  input.setCustomValidity(refused ? large : "");
  return refused;
}

async function shrunk(file) {
  if (file.size <= SMALL) return file;
  try {
    const small = await smaller(file);
    if (small && small.size < file.size) return new File([small], "photo.jpg", { type: "image/jpeg" });
  } catch {
    // no picture this browser knows: the server says what is wrong with it
  }
  return file;
}

async function smaller(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85));
}
