// Shows what the pages keep in data attributes, as the usual lazy loaders do.
for (const image of document.querySelectorAll("img.lazy")) {
  const { src, lazySrc, original, srcset } = image.dataset;
  if (srcset) image.srcset = srcset;
  if (src || lazySrc || original) image.src = src || lazySrc || original;
}
for (const box of document.querySelectorAll("[data-bg]")) box.style.backgroundImage = `url("${box.dataset.bg}")`;
