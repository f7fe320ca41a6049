"use strict";
// Shows one conversation and one turn at a time. Links do it (#turn-3), so the keyboard and the way back work by themselves;
// without this script everything stands one below the other.
{
  const root = document.documentElement;
  const chooser = document.getElementById("conversation-chooser");
  const all = (selector) => [...document.querySelectorAll(selector)];
  const choose = (selector, chosen) => all(selector).forEach((each) => each.classList.toggle("chosen", each === chosen));

  function showTurn(turn) {
    choose("article.turn", turn);
    all("[data-turn]").forEach((link) => {
      if (turn && link.getAttribute("href") === "#" + turn.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  }

  function showConversation(conversation) {
    choose("section.conversation", conversation);
    if (chooser && conversation) chooser.value = conversation.id;
  }

  function showLast(conversation) {
    showConversation(conversation);
    const links = conversation.querySelectorAll("[data-turn]");
    showTurn(links.length ? document.getElementById(links[links.length - 1].getAttribute("href").slice(1)) : null);
  }

  function follow() {
    const target = document.getElementById(location.hash.slice(1));
    if (!target || !target.matches("article.turn")) return false;
    showConversation(document.getElementById(target.dataset.conversation));
    showTurn(target);
    target.focus();
    return true;
  }

  root.classList.add("scripted");
  if (chooser) {
    chooser.addEventListener("change", () => showLast(document.getElementById(chooser.value)));
    addEventListener("hashchange", follow);
    if (!follow()) showLast(document.getElementById(chooser.value));
  }
  addEventListener("beforeprint", () => all("details").forEach((each) => (each.open = true)));
}
