//! Two provider processes on one PostgreSQL, behind a load balancer that gives every request to the
//! other one in turn.

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use reqwest::{Client, StatusCode};
use serde_json::Value;
use test_ports::ReservedPort;
use test_postgres::{PASSWORD, TestPostgres};

use crate::{
    balancer::Balancer,
    support::{
        Doorward, PATIENCE, Sandbox, authorize, browser, code, health, key_ids, location, ready,
        redeem, refresh, refusal, sign_in_at_the_page, sign_in_by_password, text, token, until,
    },
};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The two processes; where others look for a provider, they find the balancer.
struct Nodes {
    place: Sandbox,
    ports: [ReservedPort; 2],
    postgres: TestPostgres,
    database: String,
    balancer: Balancer,
}

impl Nodes {
    async fn new() -> Self {
        let postgres = TestPostgres::start();
        let place = Sandbox::new();
        let ports = [ReservedPort::new(), ReservedPort::new()];
        let balancer =
            Balancer::start(place.provider_port(), ports.each_ref().map(ReservedPort::number))
                .await;
        let database = postgres.new_database();
        Self { place, ports, postgres, database, balancer }
    }

    /// A command with the settings of one process.
    fn command(&self, index: usize, arguments: &[&str]) -> Command {
        let mut command = self.place.command(arguments);
        command
            .env("DOORWARD_PROVIDER__LISTEN", self.ports[index].address().to_string())
            .env("DOORWARD_STORE__URL", &self.database)
            .env("DOORWARD_STORE__STATEMENT_TIMEOUT", PATIENCE.as_secs().to_string())
            .env("DOORWARD_STORE__MASTER_KEY", MASTER_KEY)
            // What was committed but not answered is repeated after a crash.
            .env("DOORWARD_PROVIDER__REFRESH_TOKEN_GRACE", "600");
        command
    }

    fn start(&self, index: usize) -> Doorward {
        Doorward::start(self.command(index, &["serve", "--role", "provider"]))
    }

    fn start_both(&self) -> [Doorward; 2] {
        [self.start(0), self.start(1)]
    }

    fn address(&self, index: usize) -> String {
        format!("http://localhost:{}", self.ports[index].number())
    }
}

fn stop(servers: [Doorward; 2]) {
    for server in servers {
        server.stop();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_goes_through_both_and_a_replay_is_noticed_by_either() {
    let nodes = Nodes::new().await;
    let servers = nodes.start_both();
    let http = browser();
    let given = sign_in_at_the_page(&http, &nodes.place).await;
    let answer = redeem(&http, &nodes.place, &given).await;
    assert_eq!(answer.status(), 200);
    let tokens: Value = answer.json().await.unwrap();
    for index in 0..2 {
        let userinfo = http.get(format!("{}/connect/userinfo", nodes.address(index)));
        let answer = userinfo.bearer_auth(text(&tokens, "access_token")).send().await.unwrap();
        assert_eq!(answer.status(), 200, "process {index} knows the key and the grant");
    }
    assert_eq!(key_ids(&http, &nodes.address(0)).await, key_ids(&http, &nodes.address(1)).await);

    // Refreshed at one process, repeated at the other: the same successor.
    let renew = async |refresh_token: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", "PkceJS"),
            ("refresh_token", refresh_token),
        ];
        http.post(format!("{}/connect/token", nodes.place.provider))
            .form(&form)
            .send()
            .await
            .unwrap()
    };
    let first: Value = renew(text(&tokens, "refresh_token")).await.json().await.unwrap();
    let repeated: Value = renew(text(&tokens, "refresh_token")).await.json().await.unwrap();
    assert_eq!(text(&first, "refresh_token"), text(&repeated, "refresh_token"));

    // The code again, twice so that both processes see it: refused, and everything that it gave is
    // revoked.
    for _ in 0..2 {
        assert_eq!(redeem(&http, &nodes.place, &given).await.status(), 400);
    }
    for _ in 0..2 {
        assert_eq!(renew(text(&first, "refresh_token")).await.status(), 400);
    }
    // The session goes on at both.
    for _ in 0..2 {
        code(&location(&authorize(&http, &nodes.place).await));
    }
    let [one, other] = nodes.balancer.given();
    assert!(one > 3 && other > 3, "both were asked: {one}, {other}");
    stop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_redemptions_at_once_one_succeeds() {
    let nodes = Nodes::new().await;
    let servers = nodes.start_both();
    let http = browser();
    let given: Arc<str> = sign_in_at_the_page(&http, &nodes.place).await.into();
    let place = Arc::new(nodes.place.clone());
    let asked: Vec<_> = (0..64)
        .map(|_| {
            let (http, place, given) = (http.clone(), Arc::clone(&place), Arc::clone(&given));
            tokio::spawn(async move { redeem(&http, &place, &given).await.status() })
        })
        .collect();
    let mut statuses = Vec::new();
    for asked in asked {
        statuses.push(asked.await.unwrap());
    }
    let count = |status| statuses.iter().filter(|seen| **seen == status).count();
    assert_eq!((count(StatusCode::OK), count(StatusCode::BAD_REQUEST)), (1, 63), "{statuses:?}");
    stop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_either_count_together() {
    let nodes = Nodes::new().await;
    let servers = nodes.start_both();
    let http = browser();
    // Eight at each: too few for either alone to make anybody wait.
    let guesses = (0..16).map(|_| {
        let form = [
            ("grant_type", "password"),
            ("username", "alice"),
            ("password", "guess"),
            ("scope", "openid"),
        ];
        let (http, place) = (&http, &nodes.place);
        async move { token(http, place, "PolicyBasedBackend", &form).await.text().await.unwrap() }
    });
    let answers = futures::future::join_all(guesses).await;
    assert!(answers.iter().any(|answer| answer.to_lowercase().contains("too many")), "{answers:?}");
    stop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_made_and_retired_elsewhere_are_taken_over_by_both() {
    let nodes = Nodes::new().await;
    let servers = nodes.start_both();
    let http = browser();
    let before = key_ids(&http, &nodes.address(0)).await;
    let rotated = nodes.command(0, &["keys", "rotate"]).output().unwrap();
    assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
    for index in 0..2 {
        until("the new keys are taken over", async || {
            key_ids(&http, &nodes.address(index)).await.len() == 2 * before.len()
        })
        .await;
    }
    stop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_killed_process_nor_a_crashed_database_loses_what_was_acknowledged() {
    const CLIENTS: usize = 8;
    const ROTATIONS: usize = 60;
    let nodes = Arc::new(Nodes::new().await);
    let [one, other] = nodes.start_both();
    let http = browser();
    let mut latest = Vec::new();
    while latest.len() < CLIENTS {
        let tokens = sign_in_by_password(&http, &nodes.place, "alice").await;
        latest.push(Arc::new(Mutex::new(text(&tokens, "refresh_token").to_owned())));
    }
    let rotations = Arc::new(AtomicUsize::new(0));
    let over = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = latest
        .iter()
        .map(|latest| {
            let load = rotate(
                http.clone(),
                nodes.place.clone(),
                Arc::clone(latest),
                Arc::clone(&rotations),
                Arc::clone(&over),
            );
            tokio::spawn(load)
        })
        .collect();
    let rotated = async |goal: usize| {
        until("so many rotations", async || rotations.load(SeqCst) >= goal).await;
    };
    rotated(ROTATIONS).await;
    other.kill();
    rotated(2 * ROTATIONS).await;
    let other = nodes.start(1);
    let crash = {
        let nodes = Arc::clone(&nodes);
        tokio::task::spawn_blocking(move || nodes.postgres.crash_and_start_again())
    };
    crash.await.unwrap();
    let so_far = rotations.load(SeqCst);
    rotated(so_far + ROTATIONS).await;
    over.store(1, SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    for (index, latest) in latest.iter().enumerate() {
        let token = latest.lock().unwrap().clone();
        let response = refresh(&http, &nodes.place, &token).await;
        assert_eq!(response.status(), 200, "client {index} was given this token and can't use it");
    }
    one.stop();
    other.stop();
}

/// Uses each refresh token for the next one until it is over, again with the same one after a
/// failure.
async fn rotate(
    http: Client,
    place: Sandbox,
    latest: Arc<Mutex<String>>,
    rotations: Arc<AtomicUsize>,
    over: Arc<AtomicUsize>,
) {
    while over.load(SeqCst) == 0 {
        let token = latest.lock().unwrap().clone();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let request = http
            .post(format!("{}/connect/token", place.provider))
            .basic_auth("PolicyBasedBackend", Some("secret"))
            .form(&form);
        // The process was killed: before it answered, or in the middle.
        let Ok(response) = request.send().await else { continue };
        let status = response.status();
        let Ok(body) = response.text().await else { continue };
        if status == StatusCode::SERVICE_UNAVAILABLE {
            continue;
        }
        assert_eq!(status, 200, "{body}");
        let Ok(tokens) = serde_json::from_str::<Value>(&body) else { continue };
        text(&tokens, "refresh_token").clone_into(&mut latest.lock().unwrap());
        rotations.fetch_add(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_it_is_503_and_afterwards_all_is_well() {
    let nodes = Nodes::new().await;
    let servers = nodes.start_both();
    let http = browser();
    let tokens = sign_in_by_password(&http, &nodes.place, "alice").await;
    nodes.postgres.crash();
    for index in 0..2 {
        let ready =
            http.get(format!("{}/health/ready", nodes.address(index))).send().await.unwrap();
        assert_eq!(ready.status(), 503);
        assert!(ready.headers().contains_key("retry-after"));
        assert!(ready.text().await.unwrap().contains("database"));
        let live = http.get(format!("{}/health/live", nodes.address(index))).send().await.unwrap();
        assert_eq!(live.status(), 200);
        let refused = refresh(&http, &nodes.place, text(&tokens, "refresh_token")).await;
        assert_eq!(refused.status(), 503);
        assert!(refused.headers().contains_key("retry-after"));
        let refused: Value = refused.json().await.unwrap();
        assert_eq!(text(&refused, "error"), "temporarily_unavailable");
        // What needs no database is still answered.
        assert!(!key_ids(&http, &nodes.address(index)).await.is_empty());
    }
    nodes.postgres.start_again();
    for index in 0..2 {
        ready(&http, &nodes.address(index)).await;
    }
    assert_eq!(refresh(&http, &nodes.place, text(&tokens, "refresh_token")).await.status(), 200);
    stop(servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_clock_is_wrong_is_not_ready() {
    let nodes = Nodes::new().await;
    let right = nodes.start(0);
    let http = browser();
    ready(&http, &nodes.address(0)).await;
    let (_, database) = nodes.database.rsplit_once('/').unwrap();
    nodes.postgres.set_clock_ahead(database, -28 * 86_400);
    // Its connections are new, and see the other clock.
    let wrong = nodes.start(1);
    let (status, report) = health(&http, &nodes.address(1)).await;
    assert_eq!((status, text(&report["checks"], "database")), (503, "ok"), "{report}");
    assert!(text(&report["checks"], "clock").contains("store.max_clock_skew"), "{report}");
    stop([right, wrong]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_master_key_or_a_missing_database_is_refused_at_start() {
    let nodes = Nodes::new().await;
    let server = nodes.start(0);
    let other_key = "HxwdHh8AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRo";
    let mut serve = nodes.command(1, &["serve", "--role", "provider"]);
    let line = refusal(&serve.env("DOORWARD_STORE__MASTER_KEY", other_key).output().unwrap());
    assert!(line.contains("DOORWARD_STORE__URL") && line.contains("one master key"), "{line}");
    assert!(!line.contains(PASSWORD) && !line.contains(other_key), "{line}");

    let mut serve = nodes.command(1, &["serve", "--role", "provider"]);
    let line = refusal(&serve.env_remove("DOORWARD_STORE__MASTER_KEY").output().unwrap());
    assert!(
        line.contains("data/doorward.key") && line.contains("copy it from another process"),
        "{line}"
    );

    let mut serve = nodes.command(1, &["serve", "--role", "provider"]);
    let line =
        refusal(&serve.env("DOORWARD_STORE__URL", nodes.postgres.url("nowhere")).output().unwrap());
    let place = format!("postgres://127.0.0.1:{}/nowhere", nodes.postgres.port());
    assert!(line.contains("store.url = (not shown)") && line.contains(&place), "{line}");
    assert!(!line.contains(PASSWORD), "{line}");
    server.stop();
}
