//! Passwords are asked for at a terminal, which `script` of util-linux provides here.

use std::{
    io::{Read as _, Write as _},
    process::{Command, ExitStatus, Stdio},
};

use crate::support::{Sandbox, browser, token};

/// Runs the command at a terminal, and types each answer when its prompt stands there; gives what
/// the terminal showed.
fn at_a_terminal(
    place: &Sandbox,
    arguments: &[&str],
    answers: &[(&str, &str)],
) -> (ExitStatus, String) {
    at_a_terminal_while(place, arguments, answers, || {})
}

/// The same; while the first prompt is shown, something else happens.
fn at_a_terminal_while(
    place: &Sandbox,
    arguments: &[&str],
    answers: &[(&str, &str)],
    meanwhile: impl FnOnce(),
) -> (ExitStatus, String) {
    let mut meanwhile = Some(meanwhile);
    let inner = place.demo_command(arguments);
    let words = std::iter::once(inner.get_program()).chain(inner.get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &line.join(" "), "/dev/null"]);
    command.current_dir(place.folder()).stdin(Stdio::piped()).stdout(Stdio::piped());
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let mut child = command.spawn().unwrap();
    let (mut keyboard, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = Vec::new();
    for (prompt, answer) in answers {
        while !shown.ends_with(prompt.as_bytes()) {
            let mut byte = [0];
            assert_eq!(
                screen.read(&mut byte).unwrap(),
                1,
                "no {prompt:?} in {}",
                String::from_utf8_lossy(&shown)
            );
            shown.push(byte[0]);
        }
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile();
        }
        keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
    }
    screen.read_to_end(&mut shown).unwrap();
    (child.wait().unwrap(), String::from_utf8(shown).unwrap())
}

async fn may_sign_in(place: &Sandbox, password: &str) -> bool {
    let form = [
        ("grant_type", "password"),
        ("username", "erin"),
        ("password", password),
        ("scope", "openid"),
    ];
    token(&browser(), place, "PolicyBasedBackend", &form).await.status() == 200
}

const FIRST: &str = "first violet kettle";
const SECOND: &str = "second violet kettle";

#[tokio::test]
async fn a_password_is_asked_for_twice() {
    let place = Sandbox::new();
    let server = place.serve(&[]);
    let twice = |first, second| [("Password: ", first), ("Once more: ", second)];
    let (status, shown) = at_a_terminal(&place, &["user", "add", "erin"], &twice(FIRST, FIRST));
    assert!(status.success() && shown.contains("The user erin was added."), "{shown}");
    assert!(may_sign_in(&place, FIRST).await);

    let (status, shown) =
        at_a_terminal(&place, &["user", "passwd", "erin"], &twice("second", "mistyped"));
    assert!(!status.success() && shown.contains("the two passwords differ"), "{shown}");
    assert!(may_sign_in(&place, FIRST).await && !may_sign_in(&place, SECOND).await);

    let (status, shown) =
        at_a_terminal(&place, &["user", "passwd", "erin"], &twice(SECOND, SECOND));
    assert!(status.success(), "{shown}");
    assert!(may_sign_in(&place, SECOND).await && !may_sign_in(&place, FIRST).await);
    server.stop();
}

/// The command read the user, waited for the password, and then wrote the whole user back.
#[test]
fn what_happens_while_a_password_is_typed_stays() {
    let place = Sandbox::new();
    let twice = [("Password: ", FIRST), ("Once more: ", FIRST)];
    at_a_terminal(&place, &["user", "add", "erin", "--roles", "admin"], &twice);
    let run = |arguments: &[&str]| {
        let output = place.demo_command(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let twice = [("Password: ", SECOND), ("Once more: ", SECOND)];
    let (status, shown) = at_a_terminal_while(&place, &["user", "passwd", "erin"], &twice, || {
        run(&["user", "disable", "erin"]);
        run(&["user", "roles", "erin", "nothing"]);
    });
    assert!(status.success(), "{shown}");
    let erin: serde_json::Value =
        serde_json::from_slice(&run(&["user", "show", "erin", "--json"])).unwrap();
    assert_eq!(
        (&erin["enabled"], &erin["claims"]["role"]),
        (&false.into(), &serde_json::json!(["nothing"]))
    );
}
