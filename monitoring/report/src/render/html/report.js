(() => {
  const tip = document.getElementById("tip");
  document.querySelectorAll("svg .tip title").forEach((title) => title.remove());
  document.addEventListener("mousemove", (event) => {
    const text = event.target.dataset && event.target.dataset.tip;
    tip.style.display = text ? "block" : "none";
    if (!text) return;
    tip.textContent = text;
    const right = event.clientX + 14 + tip.offsetWidth > innerWidth;
    tip.style.left = (right ? event.clientX - 14 - tip.offsetWidth : event.clientX + 14) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 4) + "px";
  });
})();
