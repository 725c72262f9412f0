//! The lifetimes of the tokens, drawn on a time line.

use super::{
    html::Html,
    story::{Card, Field},
};
use crate::time;

/// The width of the drawing in its own units.
const WIDTH: u64 = 1000;

/// The lifetime of one token, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// The name of the token.
    pub name: &'static str,
    /// When it was issued or received.
    pub from: u64,
    /// When it expires.
    pub until: u64,
}

/// The lifetimes of the last tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifetimes {
    /// One for each token with a known lifetime.
    pub lives: Vec<Life>,
    /// When the access token will be renewed.
    pub renewal: Option<u64>,
}

impl Lifetimes {
    /// The lifetimes of the last tokens. Renewal is `lead` seconds before the access token expires,
    /// but not before half of its lifetime. `None` if there are no tokens.
    pub fn of(cards: &[Card], lead: u64) -> Option<Self> {
        let card = cards
            .iter()
            .rev()
            .find(|card| ["token", "renewal"].contains(&card.kind) && !card.failed)?;
        let fields = &card.messages.last()?.fields;
        let field = |name: &str| fields.iter().find(|field| field.name == name);
        let life: Option<u64> = field("expires_in").and_then(|field| field.value.parse().ok());
        let access = life.map(|life| Life {
            name: "access_token",
            from: card.at,
            until: card.at.saturating_add(life),
        });
        let id = field("id_token").and_then(id_token);
        let renewable = field("refresh_token").is_some();
        let renewal = access
            .filter(|_| renewable)
            .zip(life)
            .map(|(access, life)| access.until - lead.min(life / 2));
        Some(Self { lives: access.into_iter().chain(id).collect(), renewal })
            .filter(|drawn| !drawn.lives.is_empty())
    }

    /// Draws the time line at this time.
    pub fn draw(&self, now: u64) -> String {
        let from = self.lives.iter().map(|life| life.from).min().unwrap_or(now);
        let until = self.lives.iter().map(|life| life.until).max().unwrap_or(now).max(from + 1);
        // An expired token is drawn at the end.
        let place =
            |moment: u64| (moment.clamp(from, until) - from).saturating_mul(WIDTH) / (until - from);
        let mut html = Html::default();
        html.open("figure", &[("class", "lifetimes")]);
        html.element("figcaption", "", "How long the tokens live");
        for life in &self.lives {
            html.open("div", &[("class", "life"), ("data-name", life.name)]);
            html.element("span", "mono", life.name);
            html.open(
                "svg",
                &[
                    ("viewBox", "0 0 1000 14"),
                    ("preserveAspectRatio", "none"),
                    ("aria-hidden", "true"),
                ],
            );
            rect(&mut html, "life-track", 0, WIDTH);
            rect(&mut html, "life-bar", place(life.from), place(life.until));
            rect(&mut html, "life-spent", place(life.from), place(now.min(life.until)));
            if let Some(renewal) = self.renewal.filter(|_| life.name == "access_token") {
                mark(&mut html, "life-renewal", place(renewal));
            }
            mark(&mut html, "life-now", place(now));
            html.close("svg");
            html.element("span", "life-left", &ends(life.until, now));
            html.close("div");
        }
        html.open("p", &[("class", "muted life-legend")]);
        html.text("The upright line is now.");
        if let Some(renewal) = self.renewal {
            html.text(" The dotted one is the renewal, ");
            html.text(&match left(renewal, now) {
                left if left > 0 => time::countdown(left),
                _ => "which is due".to_owned(),
            });
            html.text(".");
        }
        html.text(" How long a refresh token lives only the provider knows.");
        html.close("p");
        html.close("figure");
        html.finish()
    }
}

fn id_token(field: &Field) -> Option<Life> {
    let (_, claims) = field.token.as_ref()?;
    let number = |name: &str| claims.get(name)?.as_u64();
    Some(Life { name: "id_token", from: number("iat")?, until: number("exp")? })
}

fn left(until: u64, now: u64) -> i64 {
    let seconds = |moment: u64| i64::try_from(moment).unwrap_or(i64::MAX);
    seconds(until).saturating_sub(seconds(now))
}

fn ends(until: u64, now: u64) -> String {
    match left(until, now) {
        left if left > 0 => format!("ends {}", time::countdown(left)),
        left => time::countdown(left),
    }
}

fn rect(html: &mut Html, class: &'static str, from: u64, until: u64) {
    let width = until.saturating_sub(from).to_string();
    let x = from.to_string();
    html.open(
        "rect",
        &[("class", class), ("x", &x), ("y", "4"), ("width", &width), ("height", "6"), ("rx", "3")],
    );
    html.close("rect");
}

fn mark(html: &mut Html, class: &'static str, at: u64) {
    let x = at.clamp(2, WIDTH - 2).to_string();
    html.open("line", &[("class", class), ("x1", &x), ("x2", &x), ("y1", "0"), ("y2", "14")]);
    html.close("line");
}
