// The inbox: server-rendered, kept fresh over one websocket. Modules act on the page; none of them keeps a copy of it.
import { setUpAids } from "./aids";
import { setUpBulk } from "./bulk";
import { edit, mountComposer, settleComposer, setUpComposer } from "./composer";
import { setUpDialog } from "./dialog";
import { noteDraft } from "./drafts";
import { Feed, type Frame } from "./feed";
import { focusField, undoChoice } from "./fields";
import { setUpFind } from "./find";
import { setUpFragments } from "./fragments";
import { setUpKeys } from "./keys";
import { setUpLetters } from "./letters";
import { settleList, showPlace } from "./list";
import { noteBegun, noteEvent, noteRow, noteVisited, refetch, settleCounts } from "./live";
import { setUpMoments } from "./moments";
import { kick, paintWaiting, setUpOutbox } from "./outbox";
import { noteOvertaking, setUpOvertaking } from "./overtaking";
import { inbox, toast, word } from "./parts";
import { setUpPlayer } from "./player";
import { mountReading, settleReading, setUpReading } from "./reading";
import { settleScreen, setUpScreens } from "./screens";
import { fetchHtml, fieldOf, sentence, setUpRequests } from "./server";
import { setUpTimes } from "./times";
import { forgetTyping, makeTeller, noteTyping } from "./typing";
import { introduce, noteOthers, paintViewers, setUpViewers, tell } from "./viewers";

const BANNER_AFTER = 1_000;
let shown = "";

/** A conversation has come, or gone; also after a step back in history. */
function mount(): void {
  const talk = document.getElementById("talk");
  if (talk?.dataset.number !== shown || !talk?.dataset.mounted) {
    shown = talk?.dataset.number ?? "";
    if (talk) talk.dataset.mounted = "yes";
    forgetTyping();
    mountComposer();
    paintWaiting();
    mountReading();
  }
  settleComposer();
  settleList();
  settleCounts();
  settleScreen();
  settleReading();
  paintViewers();
  tell();
}

function showConnection(): (up: boolean) => void {
  let timer = 0;
  return (up) => {
    inbox().dataset.live = up ? "yes" : "no";
    const banner = document.getElementById("offline")!;
    if (up) {
      clearTimeout(timer);
      timer = 0;
      banner.hidden = true;
      kick();
      introduce();
    } else timer ||= window.setTimeout(() => {
      banner.hidden = false;
      // Perhaps it is not the line but the session that has ended: then the answer leads to the log-in page.
      fetchHtml("/inbox/rows/").catch(() => undefined);
    }, BANNER_AFTER);
  };
}

function setUpErrors(): void {
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, elt } = (event as CustomEvent<{ xhr: XMLHttpRequest; elt: Element }>).detail;
    if (!xhr.getResponseHeader("HX-Redirect")) toast(sentence(xhr.responseText) || word("failed"));
    undoChoice(elt);
    mount();
    focusField(fieldOf(xhr.responseText));
  });
  for (const kind of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(kind, () => { toast(word("offline")); mount(); });
  }
}

function noteOther(frame: Frame): void {
  if (frame.type === "draft") {
    void noteDraft(frame);
    noteBegun(frame);
  } else if (frame.type === "visited") noteVisited(frame.ticket);
  else if (frame.type === "notice" || frame.type === "notices") {
    document.dispatchEvent(new CustomEvent("bell", { detail: frame }));
    if (frame.ticket) noteRow(frame.ticket);
  } else noteOthers(frame);
}

function start(): void {
  setUpRequests();
  setUpFragments();
  setUpErrors();
  setUpScreens();
  let feed: Feed | undefined;
  setUpComposer(makeTeller((ticket, on) => feed?.typing(ticket, on)));
  setUpOutbox(edit);
  setUpAids();
  setUpDialog();
  setUpBulk();
  setUpMoments();
  setUpPlayer();
  setUpKeys();
  setUpTimes();
  setUpLetters();
  setUpReading((frame) => feed?.send(frame) ?? false);
  setUpFind();
  setUpOvertaking(noteEvent);
  for (const kind of ["htmx:afterSettle", "htmx:historyRestore", "inbox:changed"]) document.addEventListener(kind, mount);
  setUpViewers((frame) => feed?.send(frame));
  mount();
  showPlace();
  const showUp = showConnection();
  feed = new Feed(Number(document.getElementById("list")!.dataset.seq), {
    onEvent: (frame) => { noteOvertaking(frame); noteEvent(frame); },
    onTyping: (frame) => noteTyping(frame, paintViewers),
    onOther: noteOther,
    onResync: refetch,
    onConnection: showUp,
  });
}

start();
