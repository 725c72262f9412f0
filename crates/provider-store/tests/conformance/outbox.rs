//! The outbox: mails that are still to be sent.

use doorward_provider::model::outbox::OutboxMail;

use super::fixtures::{NOW, Tested, at, mail, parallel};

async fn due(store: &Tested, limit: u32, second: i64) -> Vec<String> {
    let mails = store.due_mails(limit, at(second), at(second + 30)).await.unwrap();
    mails.into_iter().map(|queued| queued.mail.id).collect()
}

pub async fn leased_until_they_are_sent(store: Tested) {
    assert_eq!(due(&store, 10, 0).await, Vec::<String>::new());
    store.put_mails(vec![mail(1, 600), mail(2, 600)]).await.unwrap();
    assert_eq!(store.outbox_depth(NOW).await.unwrap(), 2);
    let taken = store.due_mails(10, NOW, at(30)).await.unwrap();
    assert_eq!(taken.len(), 2);
    let first = taken.iter().find(|queued| queued.mail.id == mail(1, 600).id).unwrap();
    assert_eq!(first.mail, mail(1, 600));
    assert_eq!((first.attempts, first.due_at, &first.error), (1, at(30), &None));
    assert_eq!(due(&store, 10, 29).await, Vec::<String>::new(), "another process has them");
    store.mail_sent(&mail(1, 600).id).await.unwrap();
    assert_eq!(due(&store, 10, 30).await, [mail(2, 600).id], "a process died with it");
    assert_eq!(store.outbox_depth(NOW).await.unwrap(), 1);
    store.mail_sent("unknown").await.unwrap();
}

pub async fn leased_once_among_many(store: Tested) {
    store.put_mails((0..20).map(|number| mail(number, 600)).collect()).await.unwrap();
    let taken =
        parallel(&store, 64, |store, _| async move { due(&store, 1, 0).await }).await.concat();
    assert_eq!(taken.len(), 20);
    let mut distinct = taken.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 20, "{taken:?}");
}

pub async fn tried_again_when_that_is_due(store: Tested) {
    store.put_mails(vec![mail(1, 600)]).await.unwrap();
    assert_eq!(due(&store, 10, 0).await.len(), 1);
    store.mail_failed(&mail(1, 600).id, at(100), "451 greylisted\0").await.unwrap();
    assert_eq!(due(&store, 10, 99).await, Vec::<String>::new());
    let taken = store.due_mails(10, at(100), at(130)).await.unwrap();
    assert_eq!(taken[0].attempts, 2);
    assert!(taken[0].error.as_ref().is_some_and(|error| error.starts_with("451 greylisted")));
}

pub async fn what_one_says_is_encrypted_again(store: Tested) {
    store.put_mails(vec![mail(1, 600), mail(2, 600)]).await.unwrap();
    let mut resealed = mail(1, 600);
    resealed.data.insert("sealed".to_owned(), "otherwise".into());
    assert!(store.reseal_mail(resealed.clone()).await.unwrap());
    let kept = store.outbox(None, 10, NOW).await.unwrap();
    let kept: Vec<_> = kept.into_iter().map(|queued| queued.mail).collect();
    assert_eq!(kept, [resealed, mail(2, 600)]);
    assert!(!store.reseal_mail(mail(3, 600)).await.unwrap(), "it does not wait");
}

pub async fn never_sent_when_expired(store: Tested) {
    store.put_mails(vec![mail(1, 60), mail(2, 0)]).await.unwrap();
    assert_eq!(store.outbox_depth(NOW).await.unwrap(), 1);
    assert_eq!(store.outbox(None, 10, NOW).await.unwrap().len(), 1);
    assert_eq!(due(&store, 10, 59).await, [mail(1, 60).id]);
    assert_eq!(due(&store, 10, 600).await, Vec::<String>::new());
}

pub async fn the_longest_waiting_come_first(store: Tested) {
    store.put_mails((0..5).map(|number| mail(number, 600)).collect()).await.unwrap();
    assert_eq!(due(&store, 5, 0).await.len(), 5);
    for (number, second) in [(0, 50), (1, 40), (2, 60), (3, 41), (4, 70)] {
        store.mail_failed(&mail(number, 600).id, at(second), "down").await.unwrap();
    }
    let mut first = due(&store, 2, 60).await;
    first.sort_unstable();
    assert_eq!(first, [mail(1, 600).id, mail(3, 600).id]);
}

pub async fn listed_in_pages(store: Tested) {
    let mails: Vec<_> = (0..5)
        .map(|number| {
            let mut mail = mail(number, 600);
            mail.created_at = at(10 - i64::try_from(number / 2).unwrap());
            mail
        })
        .collect();
    store.put_mails(mails).await.unwrap();
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = store.outbox(after.as_ref(), 2, NOW).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.cursor());
        listed.extend(page.into_iter().map(|queued| queued.mail.id));
    }
    let ids = [4, 2, 3, 0, 1].map(|number| mail(number, 600).id);
    assert_eq!(listed, ids, "the oldest first");
}

pub async fn found_by_the_beginning_of_the_address(store: Tested) {
    let mails = ["Ada@Example.com", "bob@example.com", "adam@example.com", "ada@example.com"]
        .into_iter()
        .zip(0..)
        .map(|(to, number)| {
            let end = 600 + 60 * i64::try_from(number).unwrap();
            OutboxMail { to: to.to_owned(), ..mail(number, end) }
        });
    store.put_mails(mails.collect()).await.unwrap();
    let find = |prefix: &'static str, now| {
        let store = store.clone();
        async move {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let page = store.mails_to(prefix, after.as_ref(), 1, now).await.unwrap();
                let Some(last) = page.last() else { return found };
                after = Some(last.address_cursor());
                found.extend(page.into_iter().map(|queued| queued.mail.id));
            }
        }
    };
    let ids = |numbers: &[u64]| -> Vec<String> {
        numbers.iter().map(|&number| mail(number, 600).id).collect()
    };
    assert_eq!(find("ada", NOW).await, ids(&[0, 3, 2]), "in any case, by the address");
    assert_eq!(find("ada@", NOW).await, ids(&[0, 3]));
    assert_eq!(find("", NOW).await, ids(&[0, 3, 2, 1]));
    assert_eq!(find("a%", NOW).await, ids(&[]), "nothing is a pattern");
    assert_eq!(find("a\0'--", NOW).await, ids(&[]));
    assert_eq!(find("ada", at(600)).await, ids(&[3, 2]), "one has expired");
}
