//! The state of the program and how events change it: pure and synchronous.

mod connection;
mod trail;

use std::collections::BTreeMap;

use crossterm::event::{KeyEvent, KeyEventKind};

use super::{
    Options,
    config::Config,
    effect::{Effect, Job, Live, Slot},
    event::{Event, News, ScreenEvent},
    keymap::{Action, KeyPress, Keymap, Place, Spec},
    layers::{Confirm, Help, Layer, Palette, Picker, picker},
    log::{Entry, Mark},
    report::Report,
    screens::{APP, Draft, Log, Screen, ScreenId},
    shared::Shared,
    tasks::Task,
    template::{Display, Fields},
    theme::Theme,
    widgets::{input::LineEdit, safe},
};
use crate::{diff::Redactor, sandbox::Sandbox};

/// A line shown for some seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// The text.
    pub text: String,
    /// Whether it is an error.
    pub bad: bool,
}

impl Flash {
    /// Something that went well.
    pub fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), bad: false }
    }

    /// Something that went wrong or is not possible.
    pub fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), bad: true }
    }
}

/// How long a flash stays, in milliseconds.
const FLASH: i64 = 6_000;
/// After how many milliseconds waiting is worth a word.
pub const PATIENCE: i64 = 150;
/// The smallest terminal there is something to see on.
pub const LEAST: (u16, u16) = (60, 15);

/// The state of the program.
pub struct App {
    /// What screens may read.
    pub shared: Shared,
    options: Options,
    screens: BTreeMap<ScreenId, Screen>,
    /// Screens in the order they were visited; the shown one is at `at`.
    trail: Vec<ScreenId>,
    at: usize,
    next_id: ScreenId,
    layers: Vec<Layer>,
    flash: Option<(Flash, i64)>,
    size: (u16, u16),
    /// Keeps the sandbox alive.
    sandbox: Option<Sandbox>,
    /// Leave as soon as nothing runs.
    leaving: bool,
    title_template: Option<Display>,
    /// The window's title as last set.
    title: String,
}

impl App {
    /// The program before anything happened. `key` keys the fingerprints of secrets, `clock` is the time in
    /// milliseconds, `plain` means `NO_COLOR`, `ascii` a locale that is not UTF-8.
    pub fn new(options: Options, config: Config, key: [u8; 32], clock: i64, (plain, ascii): (bool, bool)) -> Self {
        let title = Some(config.terminal_title.as_str()).filter(|title| !title.is_empty());
        let title_template = title.and_then(|title| Display::parse(title).ok());
        let theme = Theme::named(&config.theme, plain, config.ascii.unwrap_or(ascii));
        let why = if options.read_only { Some("--read-only") } else { config.read_only.then_some("the configuration") };
        let shared = Shared {
            theme: theme.unwrap_or_else(Theme::fallback),
            keymap: Keymap::with(&config.keys).unwrap_or_default(),
            clock,
            redactor: Redactor::new(key),
            revealed: false,
            read_only: why.map(|by| format!("read-only mode ({by})")),
            storage: None,
            extra_columns: config
                .extra_columns
                .iter()
                .filter_map(|column| Some((column.title.clone(), Display::parse(&column.template).ok()?)))
                .collect(),
            driver: options.driver.clone(),
            context: options.connect.context.clone().unwrap_or_default(),
            namespace: options.connect.namespace.clone().unwrap_or_default(),
            version: None,
            live: Live::Connecting,
            contexts: Vec::new(),
            namespaces: None,
            releases: 0,
            highlighter: None,
            log: Vec::new(),
            waiting: BTreeMap::new(),
            config,
        };
        let home = Screen::Releases(Box::default());
        Self {
            shared,
            options,
            screens: BTreeMap::from([(1, home)]),
            trail: vec![1],
            at: 0,
            next_id: 2,
            layers: Vec::new(),
            flash: None,
            size: (0, 0),
            sandbox: None,
            leaving: false,
            title_template,
            title: String::new(),
        }
    }

    /// What to begin with: connecting, reading contexts, loading syntax.
    pub fn start(&mut self) -> Vec<Job> {
        let connect = self.connect();
        let contexts = Task::Contexts(Box::new(self.options.connect.clone()));
        let mut effects = vec![connect, Effect::Run(Slot::of("syntax"), Task::LoadSyntax)];
        if !self.options.sandbox {
            effects.push(Effect::Run(Slot::of("contexts"), contexts));
        }
        self.carry_out(APP, effects)
    }

    /// The shown screen.
    pub fn screen(&self) -> &Screen {
        &self.screens[&self.shown()]
    }

    fn shown(&self) -> ScreenId {
        self.trail[self.at]
    }

    /// The layers over the screen, lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The line to show for some seconds.
    pub fn flash(&self) -> Option<&Flash> {
        self.flash.as_ref().map(|(flash, _)| flash)
    }

    /// Columns and rows.
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// What operations run, a few words each.
    pub fn running(&self) -> Vec<String> {
        self.screens.values().filter_map(|screen| screen.part().running()).collect()
    }

    /// What the shown screen or the app has been waiting on for longer than one notices.
    pub fn waiting(&self) -> Option<&str> {
        let shown = self.shown();
        let due = |since: i64| self.shared.clock - since >= PATIENCE;
        let mut waits = self.shared.waiting.iter().filter(|((owner, _), _)| *owner == shown || *owner == APP);
        waits.find(|(_, (_, since))| due(*since)).map(|(_, (label, _))| label.as_str())
    }

    /// In how many milliseconds something changes by itself: a flash ends, waiting becomes worth a word, ages move on.
    pub fn next_wake(&self) -> i64 {
        let flash = self.flash.as_ref().map(|(_, until)| until - self.shared.clock);
        let waits = self.shared.waiting.values().map(|(_, since)| since + PATIENCE - self.shared.clock);
        // The clock of a running operation counts seconds; otherwise only ages move, by the minute.
        let unit = if self.running().is_empty() { 60_000 } else { 1_000 };
        let minute = unit - self.shared.clock.rem_euclid(unit);
        waits.chain(flash).filter(|wake| *wake > 0).chain([minute]).min().unwrap_or(minute)
    }

    /// Takes an event. What is left to do outside comes back.
    pub fn update(&mut self, event: Event) -> Vec<Job> {
        if self.flash.as_ref().is_some_and(|(_, until)| *until <= self.shared.clock) {
            self.flash = None;
        }
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(&key),
            Event::Key(_) | Event::Clock => Vec::new(),
            Event::Mouse(mouse) => self.mouse(&mouse),
            Event::Paste(text) => match self.layers.last_mut() {
                Some(layer) => {
                    let effects = layer.paste(&text);
                    self.carry_out(self.shown(), effects)
                }
                None => self.tell(self.shown(), ScreenEvent::Paste(text)),
            },
            Event::Edited(text) => self.tell(self.shown(), ScreenEvent::Edited(text)),
            Event::Resize(columns, rows) => {
                self.size = (columns, rows);
                vec![Job { owner: APP, effect: Effect::Redraw }]
            }
            Event::Terminate => self.carry_out(APP, vec![Effect::CancelAndQuit]),
            Event::News(_, _, News::Broken(report)) => {
                self.set_flash(Flash::bad(report.message));
                Vec::new()
            }
            Event::News(APP, _, news) => self.own_news(news),
            Event::News(owner, slot, news) => self.tell(owner, ScreenEvent::News(slot, news)),
            Event::Ended(owner, slot) => {
                self.shared.waiting.remove(&(owner, slot.clone()));
                let mut jobs = self.tell(owner, ScreenEvent::Ended(slot));
                jobs.extend(self.leave_if_idle());
                jobs
            }
        }
    }

    /// Fixes sizes and scroll places before drawing; what came into view may have to be read.
    pub fn arrange(&mut self, area: ratatui::layout::Rect) -> Vec<Job> {
        let shown = self.shown();
        let too_small = self.size.0 < LEAST.0 || self.size.1 < LEAST.1;
        let effects = match self.screens.get_mut(&shown) {
            Some(screen) if !too_small => screen.part_mut().arrange(area, &self.shared),
            _ => Vec::new(),
        };
        let mut jobs = self.carry_out(shown, effects);
        jobs.extend(self.retitle());
        jobs
    }

    /// The window's title by the user's template, when it changed.
    fn retitle(&mut self) -> Option<Job> {
        let template = self.title_template.as_ref()?;
        let crumbs = self.screen().part().crumbs();
        let crumb = |at: usize| crumbs.get(at).map(String::as_str).unwrap_or_default();
        let fields = Fields::default()
            .text("context", &self.shared.context)
            .text("namespace", crumb(0))
            .text("release", crumb(1));
        let title = safe::visible(&template.fill(&fields)).into_owned();
        if title == self.title {
            return None;
        }
        self.title.clone_from(&title);
        Some(Job { owner: APP, effect: Effect::Title(title) })
    }

    fn tell(&mut self, owner: ScreenId, event: ScreenEvent) -> Vec<Job> {
        let Some(screen) = self.screens.get_mut(&owner) else {
            return Vec::new();
        };
        let effects = screen.part_mut().update(event, &self.shared);
        self.carry_out(owner, effects)
    }

    fn tell_all(&mut self, event: impl Fn() -> ScreenEvent) -> Vec<Job> {
        let ids: Vec<ScreenId> = self.screens.keys().copied().collect();
        ids.into_iter().flat_map(|id| self.tell(id, event())).collect()
    }

    fn key(&mut self, key: &KeyEvent) -> Vec<Job> {
        let shown = self.shown();
        let press = KeyPress::of(key);
        if let Some(layer) = self.layers.last_mut().filter(|_| Some(press) != KeyPress::parse("ctrl-c")) {
            let outcome = layer.key(key, &self.shared);
            if !outcome.stays {
                self.layers.pop();
            }
            return self.carry_out(shown, outcome.effects);
        }
        let place = self.place();
        let types = place == Place::Typing && press.is_text();
        match self.shared.keymap.resolve(press, place).filter(|_| !types) {
            Some(spec) => self.allowed(spec),
            None if place == Place::Typing => self.tell(shown, ScreenEvent::Key(*key)),
            None => Vec::new(),
        }
    }

    /// Where keys apply at the moment.
    pub fn place(&self) -> Place {
        let part = self.screen().part();
        if part.typing() { Place::Typing } else { part.place() }
    }

    fn mouse(&mut self, mouse: &crossterm::event::MouseEvent) -> Vec<Job> {
        use crossterm::event::MouseEventKind as Kind;
        let action = match mouse.kind {
            Kind::ScrollUp => Action::Up,
            Kind::ScrollDown => Action::Down,
            Kind::ScrollLeft => Action::Left,
            Kind::ScrollRight => Action::Right,
            _ => return Vec::new(),
        };
        if self.layers.is_empty() { self.act(action) } else { Vec::new() }
    }

    /// Acts unless read-only mode forbids it; then it says why.
    fn allowed(&mut self, spec: &Spec) -> Vec<Job> {
        match &self.shared.read_only {
            Some(why) if spec.mutates => {
                let flash = Flash::bad(format!("{}: not in {why}", spec.name));
                self.carry_out(APP, vec![Effect::Flash(flash)])
            }
            _ => self.act(spec.action.clone()),
        }
    }

    /// Carries out an action of the frame, or hands it to the shown screen.
    fn act(&mut self, action: Action) -> Vec<Job> {
        let shown = self.shown();
        let place = self.screen().part().place();
        match action {
            Action::Quit => return self.quit(),
            Action::Help => self.layers.push(Layer::Help(Help::new(place))),
            Action::Command => self.layers.push(Layer::Palette(Palette::new(place))),
            Action::Filter => {
                if let Some(text) = self.screen().part().filter() {
                    self.layers.push(Layer::Filter(LineEdit::new(&text)));
                }
            }
            Action::Suspend => {
                return vec![Job { owner: APP, effect: Effect::Suspend }];
            }
            Action::GoBack => return self.walk(false),
            Action::GoForward => return self.walk(true),
            Action::SwitchContext => self.pick_context(),
            Action::SwitchNamespace => self.pick_namespace(),
            Action::ShowLog => {
                return self.carry_out(shown, vec![Effect::Show(Box::new(Screen::Log(Box::<Log>::default())))]);
            }
            Action::Install => return self.install("", ""),
            Action::InstallAs(name, chart) => return self.install(&name, &chart),
            Action::ShowOperation => return self.show_operation(),
            Action::Reveal => return self.reveal(),
            // A new connection also asks for new credentials, which an interactive plugin gives in the terminal only.
            Action::Refresh if self.shared.storage.is_none() || self.shared.live != Live::Live => {
                let effect = self.connect();
                return self.carry_out(APP, vec![effect]);
            }
            Action::Refresh => {
                let asked = self.ask();
                let mut jobs = self.carry_out(APP, asked);
                jobs.extend(self.tell(shown, ScreenEvent::Action(Action::Refresh)));
                return jobs;
            }
            Action::Back if self.waiting().is_some() => return self.stop_waiting(),
            action => return self.tell(shown, ScreenEvent::Action(action)),
        }
        Vec::new()
    }

    /// Drafts an install into the namespace that is looked at.
    fn install(&mut self, name: &str, chart: &str) -> Vec<Job> {
        let crumbs = self.screen().part().crumbs();
        let own = self.shared.storage.as_ref().map(|storage| storage.cluster().namespace());
        let shown = Some(self.shared.namespace.as_str()).filter(|namespace| !namespace.is_empty());
        let namespace = crumbs.first().map(String::as_str).or(shown).or(own).unwrap_or_default();
        let draft = Draft::install(namespace, name, chart);
        self.carry_out(self.shown(), vec![Effect::Show(Box::new(Screen::Draft(Box::new(draft))))])
    }

    /// `esc` ends what is waited on before it does anything else.
    fn stop_waiting(&mut self) -> Vec<Job> {
        let shown = self.shown();
        let slots: Vec<(ScreenId, Slot)> =
            self.shared.waiting.keys().filter(|(owner, _)| *owner == shown || *owner == APP).cloned().collect();
        let mut jobs = Vec::new();
        for (owner, slot) in slots {
            jobs.extend(self.carry_out(owner, vec![Effect::Cancel(slot)]));
        }
        if self.shared.live == Live::Connecting {
            self.shared.live = Live::Down;
        }
        jobs.extend(self.carry_out(APP, vec![Effect::Flash(Flash::bad("stopped waiting; ctrl-r tries again"))]));
        jobs
    }

    fn reveal(&mut self) -> Vec<Job> {
        self.shared.revealed = !self.shared.revealed;
        let text = if self.shared.revealed { "secrets are shown" } else { "secrets are hidden" };
        let mut jobs = self.carry_out(APP, vec![Effect::Flash(Flash::good(text))]);
        jobs.extend(self.tell_all(|| ScreenEvent::Changed));
        jobs
    }

    fn pick_context(&mut self) {
        let items: Vec<_> =
            self.shared.contexts.iter().map(|context| (context.name.clone(), context.cluster.clone())).collect();
        self.layers.push(Layer::Picker(Picker::new(picker::Purpose::Context, items, &self.shared.context)));
    }

    fn pick_namespace(&mut self) {
        let all = std::iter::once(picker::ALL).chain(self.shared.namespace_names());
        let items: Vec<_> = all.map(|name| (name.to_owned(), String::new())).collect();
        self.layers.push(Layer::Picker(Picker::new(picker::Purpose::Namespace, items, &self.shared.namespace)));
    }

    fn quit(&mut self) -> Vec<Job> {
        let running = self.running();
        if running.is_empty() {
            return vec![Job { owner: APP, effect: Effect::Exit }];
        }
        let mut body = running;
        body.push("It is not finished. Leaving must not leave the release half done.".into());
        let confirm = Confirm::new("Quit?", body, "stay")
            .answer("wait, then quit", vec![Effect::WaitAndQuit])
            .answer("cancel it properly, then quit", vec![Effect::CancelAndQuit]);
        self.layers.push(Layer::Confirm(confirm));
        Vec::new()
    }

    fn leave_if_idle(&mut self) -> Vec<Job> {
        if self.leaving && self.running().is_empty() {
            vec![Job { owner: APP, effect: Effect::Exit }]
        } else {
            Vec::new()
        }
    }

    /// Carries out what concerns the app, and hands back what does not.
    fn carry_out(&mut self, owner: ScreenId, effects: Vec<Effect>) -> Vec<Job> {
        let mut jobs = Vec::new();
        for effect in effects {
            match effect {
                Effect::Show(screen) => jobs.extend(self.show(*screen, false)),
                Effect::Replace(screen) => jobs.extend(self.show(*screen, true)),
                Effect::Back => jobs.extend(self.walk(false)),
                Effect::Layer(layer) => self.layers.push(*layer),
                Effect::Flash(flash) => self.set_flash(flash),
                Effect::Log(entry) => self.write(entry),
                Effect::Do(action) => jobs.extend(self.run_action(action)),
                Effect::Command(text) => jobs.extend(self.command(&text)),
                Effect::Filter(text) => jobs.extend(self.tell(owner, ScreenEvent::Filter(text))),
                Effect::UseContext(context) => jobs.extend(self.use_context(context)),
                Effect::UseNamespace(namespace) => jobs.extend(self.use_namespace(namespace)),
                Effect::Live(live) => self.shared.live = live,
                Effect::Count(releases) => self.shared.releases = releases,
                Effect::Copy(text) => {
                    jobs.push(Job { owner: APP, effect: Effect::Run(Slot::of("copy"), Task::Copy(text)) })
                }
                Effect::WaitAndQuit => {
                    self.leaving = true;
                    jobs.extend(self.leave_if_idle());
                }
                Effect::CancelAndQuit => {
                    self.leaving = true;
                    jobs.extend(self.tell_all(|| ScreenEvent::Action(Action::Cancel)));
                    jobs.extend(self.leave_if_idle());
                }
                Effect::Run(slot, task) => {
                    if let Some(label) = task.label() {
                        self.shared.waiting.insert((owner, slot.clone()), (label, self.shared.clock));
                    }
                    jobs.push(Job { owner, effect: Effect::Run(slot, task) });
                }
                Effect::Cancel(slot) => {
                    self.shared.waiting.remove(&(owner, slot.clone()));
                    jobs.push(Job { owner, effect: Effect::Cancel(slot) });
                }
                effect => jobs.push(Job { owner, effect }),
            }
        }
        jobs
    }

    fn run_action(&mut self, action: Action) -> Vec<Job> {
        let wanted = action.in_table();
        match super::keymap::ACTIONS.iter().find(|spec| spec.action == wanted) {
            Some(spec) if spec.mutates && self.shared.read_only.is_some() => self.allowed(spec),
            _ => self.act(action),
        }
    }

    fn command(&mut self, text: &str) -> Vec<Job> {
        match super::command::parse(text) {
            Ok(effects) => self.carry_out(self.shown(), effects),
            Err(message) => {
                self.set_flash(Flash::bad(message));
                Vec::new()
            }
        }
    }

    fn use_namespace(&mut self, namespace: String) -> Vec<Job> {
        self.shared.namespace = namespace;
        let mut jobs = self.tell_all(|| ScreenEvent::Changed);
        if !matches!(self.screen(), Screen::Releases(_)) {
            jobs.extend(self.home());
        }
        jobs
    }

    fn own_news(&mut self, news: News) -> Vec<Job> {
        match news {
            News::Connected(Ok(cluster), sandbox) => return self.connected(cluster, sandbox),
            News::Connected(Err(report), _) if report.needs_terminal => {
                return vec![Job { owner: APP, effect: Effect::LogIn(Box::new(self.options.connect.clone())) }];
            }
            News::Connected(Err(report), _) | News::Version(Err(report)) => {
                self.shared.live = Live::Down;
                self.report(report);
            }
            News::Version(Ok(version)) => self.shared.version = Some(version),
            News::Contexts(Ok(contexts)) => {
                if let Some(current) = contexts.iter().find(|context| context.current && self.shared.context.is_empty())
                {
                    self.shared.context = current.name.clone();
                }
                self.shared.contexts = contexts;
            }
            News::Namespaces(found) if self.shared.namespaces.as_ref() != Some(&found) => {
                self.shared.namespaces = Some(found);
                return self.tell_all(|| ScreenEvent::Changed);
            }
            News::Copied(tool) => self.set_flash(Flash::good(format!("copied ({tool})"))),
            News::NoClipboard(text) => {
                self.set_flash(Flash::good("copied through the terminal"));
                return vec![Job { owner: APP, effect: Effect::Sequence(super::clipboard::osc52(&text)) }];
            }
            News::Highlighter(highlighter) => self.shared.highlighter = Some(highlighter),
            _ => {}
        }
        Vec::new()
    }

    /// Shows an error and writes it into the log.
    fn report(&mut self, report: Report) {
        self.write(Entry {
            at: 0,
            mark: Mark::Bad,
            what: report.message.clone(),
            command: String::new(),
            details: report.hints.clone(),
        });
        self.layers.retain(|layer| !matches!(layer, Layer::Error(_)));
        self.layers.push(Layer::Error(report));
    }

    /// Shows a line for some seconds; a bad one stays in the log.
    pub fn set_flash(&mut self, flash: Flash) {
        if flash.bad {
            self.write(Entry {
                at: 0,
                mark: Mark::Bad,
                what: flash.text.clone(),
                command: String::new(),
                details: Vec::new(),
            });
        }
        self.flash = Some((flash, self.shared.clock + FLASH));
    }

    /// Writes into the log; what was running and has ended now keeps its one line.
    fn write(&mut self, entry: Entry) {
        let entry = Entry { at: if entry.at == 0 { self.shared.now() } else { entry.at }, ..entry };
        let began = |known: &&mut Entry| {
            known.mark == Mark::Running && (&known.what, &known.command) == (&entry.what, &entry.command)
        };
        match self.shared.log.iter_mut().rev().find(began) {
            Some(known) => *known = entry,
            None => self.shared.log.push(entry),
        }
    }
}
