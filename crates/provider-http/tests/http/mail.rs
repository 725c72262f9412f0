//! The outbox: when mails are sent, how often, and by whom. And `/demo/mail`, where demo mode shows
//! them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::http::StatusCode;
use doorward_mail::{DemoMailbox, Message};
use doorward_provider::{
    keys::{MasterKey, waiting_mail},
    model::{
        branding::ClientBranding,
        outbox::{MailKind, OutboxMail},
        time::Timestamp,
    },
    use_case::{
        administration::keys::reseal_mails,
        mail_delivery::{MailChannel, MailError},
    },
};
use serde_json::{Map, json};
use tokio::sync::{Notify, watch};

use crate::support::{Browser, Setup, World, client_settings};

/// A mail server: remembers what came, and answers as it is told to.
#[derive(Default)]
struct MailServer {
    came: Mutex<Vec<String>>,
    answer: Mutex<Option<MailError>>,
    arrived: Notify,
    /// The name in the look of the last one.
    look: Mutex<Option<String>>,
}

#[async_trait]
impl MailChannel for MailServer {
    async fn send(
        &self,
        mail: &OutboxMail,
        look: Option<&ClientBranding>,
    ) -> Result<(), MailError> {
        let name = look.and_then(|look| look.name.as_ref()).map(|name| name.as_str().to_owned());
        *self.look.lock().unwrap() = name;
        self.came.lock().unwrap().push(mail.id.clone());
        self.arrived.notify_one();
        tokio::task::yield_now().await;
        self.answer.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

impl MailServer {
    fn answers(&self, error: Option<MailError>) {
        *self.answer.lock().unwrap() = error;
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.came.lock().unwrap())
    }
}

fn away() -> MailError {
    MailError::Failed("the mail server is away".to_owned())
}

/// A mail that expires after this many seconds.
fn mail(id: &str, now: Timestamp, lifetime: u32) -> OutboxMail {
    OutboxMail {
        id: id.to_owned(),
        to: "alice@example.com".to_owned(),
        kind: MailKind::PasswordChanged,
        language: "en".to_owned(),
        data: Map::new(),
        sub: None,
        client_id: None,
        created_at: now,
        expires_at: now.plus(lifetime),
    }
}

async fn queue(world: &World, id: &str, lifetime: u32) {
    let mail = mail(id, world.provider.now(), lifetime);
    world.store().put_mails(vec![mail]).await.unwrap();
}

#[tokio::test]
async fn a_mail_is_sent_once() {
    let (world, server) = (World::new().await, MailServer::default());
    queue(&world, "one", 3600).await;
    assert_eq!(world.provider.deliveries().waiting_mails().await.unwrap(), 1);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert_eq!(world.provider.deliveries().waiting_mails().await.unwrap(), 0);
    world.clock.advance(3500);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 0);
    assert_eq!(server.take(), ["one"]);
}

#[tokio::test]
async fn a_mail_waits_while_the_server_is_away_and_less_often_is_tried() {
    let (world, server) = (World::new().await, MailServer::default());
    server.answers(Some(away()));
    queue(&world, "one", 86_400).await;
    assert!(!world.provider.deliveries().mail_is_failing());
    let mut tries = 0;
    for _ in 0..600 {
        tries += world.provider.deliveries().deliver_due_mails(&server).await.unwrap();
        world.clock.advance(6);
    }
    // In an hour: 5, 10, 20 … seconds at most between them, up to 15 minutes.
    assert!((9..=16).contains(&tries), "{tries}");
    assert!(world.provider.deliveries().mail_is_failing());
    assert_eq!(world.provider.deliveries().waiting_mails().await.unwrap(), 1);

    let restarted = world.restarted("PkceJS", serde_json::json!({})).await;
    server.answers(None);
    world.clock.advance(900);
    assert_eq!(restarted.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert_eq!(restarted.provider.deliveries().waiting_mails().await.unwrap(), 0);
    assert!(!restarted.provider.deliveries().mail_is_failing());
}

#[tokio::test]
async fn what_is_refused_for_good_or_has_expired_is_given_up() {
    let (world, server) = (World::new().await, MailServer::default());
    server.answers(Some(MailError::Refused("550 nobody".to_owned())));
    queue(&world, "refused", 3600).await;
    queue(&world, "late", 60).await;
    world.clock.advance(60);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert_eq!(server.take(), ["refused"]);
    assert!(
        !world.provider.deliveries().mail_is_failing(),
        "a wrong address is not the server's fault"
    );
    world.clock.advance(1000);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 0);
}

#[tokio::test]
async fn a_recipient_who_takes_it_later_raises_no_alarm() {
    let (world, server) = (World::new().await, MailServer::default());
    server.answers(Some(MailError::Deferred("451 come back".to_owned())));
    queue(&world, "one", 3600).await;
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert!(!world.provider.deliveries().mail_is_failing(), "the mail server is fine");
    assert_eq!(world.provider.deliveries().waiting_mails().await.unwrap(), 1);
    server.answers(Some(away()));
    world.clock.advance(60);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert!(world.provider.deliveries().mail_is_failing());
    server.answers(Some(MailError::Deferred("451 come back".to_owned())));
    world.clock.advance(60);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert!(world.provider.deliveries().mail_is_failing(), "nor does it end one");
    server.answers(None);
    world.clock.advance(60);
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
    assert_eq!(world.provider.deliveries().waiting_mails().await.unwrap(), 0);
    assert!(!world.provider.deliveries().mail_is_failing());
}

#[tokio::test]
async fn another_master_key_loses_no_mail() {
    let (world, server) = (World::new().await, MailServer::default());
    let old = world.provider.keys().master();
    let new = MasterKey::from_bytes(&[8; 32]).unwrap();
    let sealed =
        |id: &str, key| waiting_mail::seal(key, mail(id, world.provider.now(), 3600)).unwrap();
    let mails = vec![sealed("one", old), sealed("two", &new)];
    world.store().put_mails(mails).await.unwrap();
    reseal_mails(&**world.store(), old, &new, world.provider.now()).await.unwrap();
    // A server that has not been restarted can't read them, and leaves them.
    assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 2);
    assert!(server.take().is_empty() && !world.provider.deliveries().mail_is_failing());
    let waiting = world.store().outbox(None, 10, world.provider.now()).await.unwrap();
    assert_eq!(waiting.len(), 2);
    for queued in waiting {
        assert!(queued.error.unwrap().contains("can't be decrypted"));
        assert!(waiting_mail::open(&new, queued.mail).is_ok());
    }
}

#[tokio::test]
async fn of_many_that_deliver_one_sends_each_mail() {
    let (world, server) = (World::new().await, Arc::new(MailServer::default()));
    for number in 0..20 {
        queue(&world, &format!("mail-{number}"), 3600).await;
    }
    let rounds = (0..64).map(|_| {
        let (provider, server) = (Arc::clone(&world.provider), Arc::clone(&server));
        tokio::spawn(
            async move { provider.deliveries().deliver_due_mails(&*server).await.unwrap() },
        )
    });
    let mut sent = 0;
    for round in rounds.collect::<Vec<_>>() {
        sent += round.await.unwrap();
    }
    let came = server.take();
    assert_eq!((sent, came.len(), came.iter().collect::<HashSet<_>>().len()), (20, 20, 20));
}

#[tokio::test]
async fn the_task_sends_what_is_queued_and_stops_when_told() {
    let (world, server) = (World::new().await, Arc::new(MailServer::default()));
    let (stop, stopped) = watch::channel(false);
    let channel: Arc<dyn MailChannel> = server.clone();
    let task = tokio::spawn(world.provider.deliveries().deliver_mails(channel, stopped));
    queue(&world, "one", 3600).await;
    world.clock.advance(1);
    server.arrived.notified().await;
    stop.send(true).unwrap();
    task.await.unwrap();
    assert_eq!(server.take(), ["one"]);
    assert_eq!(
        world.provider.deliveries().waiting_mails().await.unwrap(),
        0,
        "what had begun was finished"
    );
}

#[tokio::test]
async fn the_task_lets_a_mail_wait_though_others_are_sent() {
    let (world, server) = (World::new().await, Arc::new(MailServer::default()));
    let (stop, stopped) = watch::channel(false);
    queue(&world, "before", 3600).await;
    world.clock.advance(1);
    queue(&world, "now", 3600).await;
    let channel: Arc<dyn MailChannel> = server.clone();
    let task = tokio::spawn(world.provider.deliveries().deliver_mails(channel, stopped));
    server.arrived.notified().await;
    let waiting = world.store().outbox(None, 10, world.provider.now()).await.unwrap();
    let tries: Vec<_> = waiting.iter().map(|own| (own.mail.id.as_str(), own.attempts)).collect();
    assert!(tries.contains(&("now", 0)), "{tries:?}");
    assert_eq!(server.take(), ["before"]);
    world.clock.advance(1);
    server.arrived.notified().await;
    stop.send(true).unwrap();
    task.await.unwrap();
    assert_eq!(server.take(), ["now"]);
}

async fn world_with_messages() -> (World, Arc<DemoMailbox>) {
    let mailbox = Arc::<DemoMailbox>::default();
    let setup = Setup { demo_mailbox: Some(Arc::clone(&mailbox)), ..Setup::default() };
    let message = Message {
        subject: "<i>Set</i> a new password".to_owned(),
        text:
            "Hello <b>Al</b>,\n\nhttp://localhost:6001/account/x?token=abc\n\nhttp://evil.example\n"
                .to_owned(),
        html: "<html><script>alert(1)</script><p>Hello</p></html>".to_owned(),
    };
    mailbox.keep("\"<u>\"@example.com", 1_800_000_000, message);
    (World::with(setup).await, mailbox)
}

#[tokio::test]
async fn demo_mode_shows_messages() {
    let (world, _mailbox) = world_with_messages().await;
    let list = world.get("/demo/mail").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(!list.body.contains("<i>Set"), "{}", list.body);
    let page = list.page();
    assert!(page.all("a").any(|link| link.attribute("href") == Some("/demo/mail/1")));
    assert!(page.text.contains("2027-01-15 08:00 UTC"), "{}", page.text);

    let message = world.get("/demo/mail/1").await;
    assert!(!message.body.contains("<b>Al") && !message.body.contains("<u>"), "{}", message.body);
    let page = message.page();
    let links: Vec<_> = page.all("a").filter_map(|link| link.attribute("href")).collect();
    assert!(links.contains(&"http://localhost:6001/account/x?token=abc"), "{links:?}");
    assert!(!links.contains(&"http://evil.example"), "only our own addresses are links");
}

#[tokio::test]
async fn the_html_of_a_letter_runs_nothing() {
    let (world, _mailbox) = world_with_messages().await;
    let html = world.get("/demo/mail/1/html").await;
    assert_eq!(html.status, StatusCode::OK);
    let policy = html.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    assert_eq!(html.headers["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn letters_are_shown_in_demo_mode_and_on_this_machine_only() {
    let world = World::new().await;
    for path in ["/demo/mail", "/demo/mail/1", "/demo/mail/1/html"] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let (world, _mailbox) = world_with_messages().await;
    for path in ["/demo/mail/2", "/demo/mail/x", "/demo/mail/2/html"] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let mut far = Browser::at(&world, "192.0.2.1".parse().unwrap());
    for path in ["/demo/mail", "/demo/mail/1", "/demo/mail/1/html"] {
        assert_eq!(far.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_mail_is_written_in_the_look_of_its_client_while_that_has_one() {
    let look = json!({"branding": {"name": "The Shop"}});
    let clients = vec![client_settings("Shop", look), client_settings("Plain", json!({}))];
    let world = World::with(Setup { clients, ..Setup::default() }).await;
    let server = MailServer::default();
    for (client, name) in [
        (Some("Shop"), Some("The Shop".to_owned())),
        (Some("Plain"), None),
        (Some("Gone"), None),
        (None, None),
    ] {
        let client_id = client.map(|id| id.parse().unwrap());
        let mail = OutboxMail { client_id, ..mail("one", world.provider.now(), 3600) };
        let mail = waiting_mail::seal(world.provider.keys().master(), mail).unwrap();
        world.store().put_mails(vec![mail]).await.unwrap();
        assert_eq!(world.provider.deliveries().deliver_due_mails(&server).await.unwrap(), 1);
        assert_eq!(*server.look.lock().unwrap(), name, "{client:?}");
    }
}
