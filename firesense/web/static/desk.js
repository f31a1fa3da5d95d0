// Helps whoever stands in front of a house at night: adds where the telephone is, and makes a photo small before it is sent.
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
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file || file.size <= SMALL) return;
    try {
      const small = await smaller(file);
      if (small && small.size < file.size) {
        const chosen = new DataTransfer();
        chosen.items.add(new File([small], "photo.jpg", { type: "image/jpeg" }));
        input.files = chosen.files;
      }
    } catch {
      // it is sent as it is, and the server says what is wrong with it
    }
  });
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
