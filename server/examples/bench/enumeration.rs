//! What a stranger learns from answers and times: whether there is a user of a name or an address.
//!
//! Each page is asked for names of users and of nobody, in a random order, each name once and each
//! time from another address, so that no limit is reached. The answers are compared as they are,
//! but for the name that was typed. Of the times it says the medians, their ratio, and how often
//! one of a user took longer than one of nobody (the Mann-Whitney statistic: half of the time if
//! they are alike), with the probability that chance alone gives as great a difference.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use doorward_protocol::secret::Secret;
use doorward_provider::{
    model::{
        password::PasswordHash,
        time::{Clock as _, SystemClock},
        user::{User, UserClaims},
    },
    store::Users as _,
};
use doorward_provider_store::{SqliteOptions, SqliteStore};
use serde_json::json;

use crate::{
    Failure,
    server::{Folder, Server},
};

/// How many names of users, and as many of nobody, each page is asked for.
const NAMES: usize = 400;
/// Mails wait: nobody answers at this port.
const CONFIG: &str = r#"
demo = true
[provider]
trusted_proxies = ["127.0.0.1"]
[accounts]
registration = "open"
most_links_per_hour = 1000000
[mail]
host = "127.0.0.1"
port = 1
tls = "none"
from = "bench@example.com"
"#;
/// What a form has in its field and in the cookie.
const FORM_TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A page that takes a name.
struct Asked {
    what: &'static str,
    path: &'static str,
    /// The field of the name.
    field: &'static str,
    /// Whether the name is an address.
    is_address: bool,
    /// Names of users begin so.
    users: &'static str,
    /// The other fields.
    others: &'static [(&'static str, &'static str)],
}

const PAGES: [Asked; 6] = [
    Asked {
        what: "sign-in, wrong password",
        path: "/account/login",
        field: "username",
        is_address: false,
        users: "known",
        others: &[("password", "a wrong password"), ("action", "login")],
    },
    Asked {
        what: "sign-in, user without a password",
        path: "/account/login",
        field: "username",
        is_address: false,
        users: "nopwd",
        others: &[("password", "a wrong password"), ("action", "login")],
    },
    Asked {
        what: "sign-in, wrong recovery code",
        path: "/account/login",
        field: "username",
        is_address: false,
        users: "nopwd",
        others: &[("password", "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ"), ("action", "login")],
    },
    Asked {
        what: "forgotten password, by user name",
        path: "/account/forgot-password",
        field: "account",
        is_address: false,
        users: "known",
        others: &[],
    },
    Asked {
        what: "forgotten password, by address",
        path: "/account/forgot-password",
        field: "account",
        is_address: true,
        users: "known",
        others: &[],
    },
    Asked {
        what: "registration",
        path: "/account/register",
        field: "email",
        is_address: true,
        users: "known",
        others: &[],
    },
];

pub async fn run(binary: &Path) -> Result<(), Failure> {
    println!("\nWhat a stranger sees: {NAMES} names of users and {NAMES} of nobody for each page");
    println!(
        "  {:<34}{:>9} {:>10} {:>10} {:>7} {:>8} {:>7}",
        "", "answers", "users", "nobody", "ratio", "longer", "chance"
    );
    let folder = Folder::with_config(binary, CONFIG)?;
    // The first start makes the database.
    folder.start(&[]).await?.stop()?;
    add_users(&folder).await?;
    for (index, page) in PAGES.iter().enumerate() {
        let server = folder.start(&[]).await?;
        let seen = page.ask(&server, index).await?;
        println!("  {:<34}{seen}", page.what);
        server.stop()?;
    }
    println!("  {:<34}no name is sent: nothing to compare", "question for a passkey");
    Ok(())
}

async fn add_users(folder: &Folder) -> Result<(), Failure> {
    let store = SqliteStore::open(folder.database(), &SqliteOptions::default())?;
    let hash = PasswordHash::compute(&Secret::new("a password of the bench"))?;
    for number in 0..NAMES {
        for (prefix, password_hash) in [("known", Some(hash.clone())), ("nopwd", None)] {
            let username = name(prefix, number);
            let claims =
                json!({"email": format!("{username}@example.com"), "email_verified": true});
            let claims: UserClaims = serde_json::from_value(claims)?;
            let user = User {
                sub: username.parse()?,
                username,
                password_hash,
                enabled: true,
                claims: Arc::new(claims),
                groups: Arc::default(),
                mapped: Arc::default(),
            };
            store.put_user(user, SystemClock.now()).await?;
        }
    }
    Ok(())
}

/// All have the same length.
fn name(prefix: &str, number: usize) -> String {
    format!("{prefix}{number:04}")
}

impl Asked {
    async fn ask(&self, server: &Server, index: usize) -> Result<Seen, Failure> {
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let client = client.build()?;
        let mut names: Vec<(bool, usize)> =
            (0..NAMES).flat_map(|number| [(true, number), (false, number)]).collect();
        shuffle(&mut names, index as u64 + 1);
        let mut seen = Seen::default();
        for (position, (is_user, number)) in names.into_iter().enumerate() {
            let username = name(if is_user { self.users } else { "nobdy" }, number);
            let typed = if self.is_address { format!("{username}@example.com") } else { username };
            let mut form = vec![("form_token", FORM_TOKEN), (self.field, typed.as_str())];
            form.extend(self.others);
            let address = format!("10.{index}.{}.{}", position / 250, position % 250 + 1);
            let request = client
                .post(format!("http://{}{}", server.provider, self.path))
                .header("cookie", format!("doorward.form={FORM_TOKEN}"))
                .header("x-forwarded-for", address)
                .form(&form)
                .build()?;
            let began = Instant::now();
            let answer = client.execute(request).await?;
            let (status, headers) = (answer.status(), described(answer.headers()));
            let body = answer.text().await?;
            let took = began.elapsed();
            let answer = format!("{status}\n{headers}\n{}", body.replace(&typed, "(the name)"));
            let times = if is_user { &mut seen.users } else { &mut seen.nobody };
            times.push(took);
            *seen.answers.entry(answer).or_default() += 1;
        }
        Ok(seen)
    }
}

/// The headers that can tell something: not those that differ each time.
fn described(headers: &reqwest::header::HeaderMap) -> String {
    let told = headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()));
    let told = told.map(|(name, value)| format!("{name}: {value:?}"));
    told.collect::<Vec<_>>().join("\n")
}

/// Puts names into an order that nobody chose (Fisher and Yates, with an LCG).
fn shuffle(names: &mut [(bool, usize)], seed: u64) {
    let mut state = seed;
    for last in (1..names.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let chosen = usize::try_from(state >> 33).unwrap_or_default() % (last + 1);
        names.swap(last, chosen);
    }
}

/// What came back.
#[derive(Default)]
struct Seen {
    /// Each answer, and how often it came.
    answers: BTreeMap<String, usize>,
    users: Vec<Duration>,
    nobody: Vec<Duration>,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (users, nobody) = (median(&self.users), median(&self.nobody));
        let (longer, chance) = mann_whitney(&self.users, &self.nobody);
        let answers = match self.answers.len() {
            1 => "one".to_owned(),
            count => format!("{count}!"),
        };
        write!(
            formatter,
            "{answers:>9} {:>7.2} ms {:>7.2} ms {:>7.3} {:>7.1}% {chance:>7.3}",
            users * 1e3,
            nobody * 1e3,
            users / nobody,
            longer * 100.0
        )
    }
}

fn median(times: &[Duration]) -> f64 {
    let mut times: Vec<f64> = times.iter().map(Duration::as_secs_f64).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// How often one of the first took longer than one of the second, and the two-sided probability
/// that chance gives as great a difference from a half.
#[allow(clippy::cast_precision_loss)]
fn mann_whitney(first: &[Duration], second: &[Duration]) -> (f64, f64) {
    let wins: f64 = first
        .iter()
        .map(|one| {
            let longer = second.iter().filter(|other| one > *other).count();
            let equal = second.iter().filter(|other| one == *other).count();
            longer as f64 + equal as f64 / 2.0
        })
        .sum();
    let (n, m) = (first.len() as f64, second.len() as f64);
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    let z = (wins - n * m / 2.0) / deviation;
    (wins / (n * m), two_sided(z))
}

/// How probable more than `z` is, to both sides of a normal distribution (Abramowitz and Stegun,
/// 7.1.26).
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let polynomial = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    polynomial * (-x * x).exp()
}
