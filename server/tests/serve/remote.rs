//! Commands on a server elsewhere: `doorward --server URL …`, signed in by the device flow.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use doorward_provider::model::{
    time::{Clock as _, SystemClock},
    totp::TotpSecret,
};
use reqwest::{Client, Response};

use crate::support::{Doorward, Sandbox, bare_command, browser, hidden_fields, location};

const ON: &str = "demo = true\n[accounts]\nregistration = \"invitation\"\n[client_registration]\n\
                  mode = \"token\"\n[admin]\nenabled = true\n\
                  command_line = true\n";

/// A server with the admin API, where alice is an owner.
fn served(place: &Sandbox) -> Doorward {
    fs::write(place.folder().join("doorward.toml"), ON).unwrap();
    let server = Doorward::start(place.command(&["serve"]));
    let granted = place.command(&["admin", "grant", "alice", "owner"]).output().unwrap();
    assert!(granted.status.success(), "{granted:?}");
    server
}

/// A command on the server's machine.
fn here(place: &Sandbox, arguments: &[&str]) -> Output {
    place.command(arguments).output().unwrap()
}

/// The same command elsewhere: it knows the URL, and its user's folder of settings.
fn elsewhere(place: &Sandbox, arguments: &[&str]) -> Command {
    let mut command = bare_command(&[&["--server", &place.provider], arguments].concat());
    command.current_dir(settings(place)).env("XDG_CONFIG_HOME", settings(place));
    command
}

fn settings(place: &Sandbox) -> PathBuf {
    let folder = place.folder().join("settings");
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(place: &Sandbox, arguments: &[&str]) -> Output {
    elsewhere(place, arguments).output().unwrap()
}

#[track_caller]
fn succeeds(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn fails(output: &Output, code: i32, expected: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(expected), "{expected}: {said}");
}

/// A command that waits for a sign-in in the browser.
struct Waiting {
    child: Child,
    said: BufReader<ChildStderr>,
    /// Where the user has to go.
    address: String,
    /// What the user has to enter there.
    code: String,
}

impl Waiting {
    fn start(mut command: Command) -> Self {
        let piped = command.stderr(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.trim().starts_with("http") {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended: {:?}", child.wait());
        }
        let address = line.trim().to_owned();
        let is_code = |line: &str| line.starts_with("  ") && line.trim().len() == 9;
        while !is_code(line.trim_end()) {
            line.clear();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended: {:?}", child.wait());
        }
        let code = line.trim().to_owned();
        Self { child, said, address, code }
    }

    /// The exit code, and what it said at the end.
    fn finish(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        let rest = self.said.lines().map(Result::unwrap).collect::<Vec<_>>();
        (code, rest.join("\n"))
    }
}

/// A user in a browser.
struct User<'a> {
    place: &'a Sandbox,
    http: Client,
}

impl<'a> User<'a> {
    fn new(place: &'a Sandbox) -> Self {
        Self { place, http: browser() }
    }

    async fn get(&self, path: &str) -> Response {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            self.place.provider.clone() + path
        };
        self.http.get(url).send().await.unwrap()
    }

    /// Sends the form of a page with its hidden fields and these.
    async fn submit(&self, path: &str, page: &str, fields: &[(&str, &str)]) -> Response {
        let mut form: Vec<(String, String)> = hidden_fields(page).into_iter().collect();
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.http.post(format!("{}{path}", self.place.provider)).form(&form).send().await.unwrap()
    }

    /// Enters name and password on the page at this address.
    async fn enter_password(&self, login: &str) -> Response {
        let page = self.get(login).await.text().await.unwrap();
        let fields = [("username", "alice"), ("password", "alice"), ("action", "login")];
        self.submit("/account/login", &page, &fields).await
    }

    /// Sets an authenticator app up.
    async fn set_up_app(&self) -> TotpSecret {
        self.enter_password("/account/login").await;
        let path = "/account/authenticator";
        let page = self.get(path).await.text().await.unwrap();
        let page = self.submit(path, &page, &[("action", "set-up")]).await.text().await.unwrap();
        let shown = page.split("id=\"secret\"").nth(1).unwrap();
        let shown = shown.split(['>', '<']).nth(1).unwrap();
        let app = TotpSecret::from_bytes(&base32(shown)).unwrap();
        let code = app.code_at(SystemClock.now()).unwrap();
        let done = self.submit(path, &page, &[("action", "confirm"), ("code", &code)]).await;
        assert_eq!(done.status(), 200);
        app
    }

    /// Signs in at the address that a command tells, and answers.
    async fn answer(&self, waiting: &Waiting, app: Option<&TotpSecret>, action: &str) {
        assert!(!waiting.address.contains(&waiting.code), "{}", waiting.address);
        let login = location(&self.get(&waiting.address).await);
        let mut next = location(&self.enter_password(&login).await);
        if let Some(app) = app {
            let page = self.get(&next).await.text().await.unwrap();
            // The code of now set the app up; the next one is good already.
            let code = app.code_at(SystemClock.now().plus(30_u32)).unwrap();
            let fields = [("code", &*code), ("action", "finish")];
            next = location(&self.submit("/account/second-step", &page, &fields).await);
        }
        let page = self.get(&next).await.text().await.unwrap();
        let fields = [("user_code", &*waiting.code), ("action", "continue")];
        let page = self.submit("/device", &page, &fields).await.text().await.unwrap();
        assert!(page.contains("Doorward on the command line"), "{page}");
        let scopes = page.split("name=\"scope\" value=\"").skip(1);
        let scopes: Vec<&str> = scopes.map(|rest| rest.split('"').next().unwrap()).collect();
        let mut fields: Vec<(&str, &str)> = scopes.iter().map(|scope| ("scope", *scope)).collect();
        fields.push(("action", action));
        assert_eq!(self.submit("/device", &page, &fields).await.status(), 200);
    }
}

/// Bytes in base32 (RFC 4648 section 6), in groups.
fn base32(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bits, mut held, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace()) {
        let value = letters.iter().position(|own| *own == letter).unwrap();
        bits = (bits << 5) | u32::try_from(value).unwrap();
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}

/// What is not there, or is not for elsewhere.
fn refuses_what_is_not_for_elsewhere(place: &Sandbox) {
    fails(&run(place, &["user", "show", "nobody"]), 1, "there is no user \"nobody\"");
    for sid in [".", ".."] {
        let end = ["session", "end", "alice", sid];
        fails(&run(place, &end), 2, "names nothing");
    }
    fails(&run(place, &["group", "show", "nobody"]), 1, "there is no group \"nobody\"");
    fails(&run(place, &["client", "show", "nobody"]), 1, "there is no client");
    fails(&run(place, &["client", "remove", "PkceJS", "--yes"]), 1, "configuration");
    fails(&run(place, &["group", "add", "staff/a"]), 1, "There is a group of this name already.");
    fails(&run(place, &["user", "remove", "zoe"]), 2, "Give --yes");
    fails(&run(place, &["user", "passwd", "zoe"]), 2, "give --mail-link");
    fails(&run(place, &["user", "passwd", "zoe", "--mail-link"]), 1, "no e-mail address");
    fails(&here(place, &["user", "passwd", "zoe", "--mail-link"]), 2, "works with --server");
    let revoke = ["grant", "revoke", "zoe", "shop"];
    fails(&run(place, &revoke), 1, "This client has no access to the data of this user.");
    fails(&run(place, &["client", "secret", "list", "nobody"]), 1, "there is no client");
    let file = place.folder().join("secrets.toml");
    fs::write(&file, "client_secrets = []\n").unwrap();
    let add = ["client", "add", "other", "--file", file.to_str().unwrap()];
    fails(&run(place, &add), 2, "make secrets by");
    let on_machine = "run it on the server's machine";
    for arguments in [&["db", "migrate"][..], &["keys", "rekey"], &["doctor"], &["serve"]] {
        fails(&run(place, arguments), 2, on_machine);
    }
    let both = run(place, &["user", "list", "--config", "doorward.toml"]);
    fails(&both, 2, "give one");
}

fn json_of(output: &Output) -> serde_json::Value {
    serde_json::from_str(&succeeds(output)).unwrap()
}

/// What is shown once, and what is known of it later.
fn keeps_secrets_and_links_to_one_showing(place: &Sandbox) {
    let once = "Its secret, which is not shown again: ";
    let grant = ["--grant-types", "client_credentials", "--scopes", "MyBackendApi2"];
    let added = run(place, &[&["client", "add", "till"][..], &grant].concat());
    let said = succeeds(&added);
    assert!(said.starts_with("The client till was added.\n") && said.contains(once), "{said}");
    let added = run(place, &["client", "secret", "add", "till", "--description", "new"]);
    let said = succeeds(&added);
    assert!(said.starts_with("The client till has one more secret.\n"), "{said}");
    assert!(said.contains(once), "{said}");
    let list = ["client", "secret", "list", "till"];
    assert_eq!(succeeds(&run(place, &list)), succeeds(&here(place, &list)));
    let listed = json_of(&run(place, &[&list[..], &["--json"]].concat()));
    let first = listed[0]["secret"].as_str().unwrap();
    let remove = ["client", "secret", "remove", "till", first];
    let said = format!("The secret {first} of the client till is removed.\n");
    assert_eq!(succeeds(&run(place, &remove)), said);
    fails(&run(place, &remove), 1, "The client has no secret of this name.");

    let invite = ["user", "invite", "guest@example.com", "--name", "Guest", "--role", "a,b"];
    let invited = run(place, &[&invite[..], &["--print-link"]].concat());
    let said = succeeds(&invited);
    assert!(said.starts_with("Pass this link on to guest@example.com: http"), "{said}");
    let list = ["user", "invitations"];
    assert_eq!(succeeds(&run(place, &list)), succeeds(&here(place, &list)));
    let uninvite = ["user", "uninvite", "Guest@example.com"];
    let said = "The invitation of Guest@example.com is taken back.\n";
    assert_eq!(succeeds(&run(place, &uninvite)), said);
    fails(&run(place, &uninvite), 1, "no invitation of Guest@example.com waits");

    let token = ["client", "registration-token"];
    let added =
        run(place, &[&token[..], &["add", "--uses", "3", "--note", "x", "--json"]].concat());
    let id = json_of(&added)["id"].as_str().unwrap().to_owned();
    let listed = json_of(&run(place, &[&token[..], &["list", "--json"]].concat()));
    assert_eq!((&listed[0]["id"], &listed[0]["uses_left"]), (&id.clone().into(), &3.into()));
    let removed = run(place, &[&token[..], &["remove", &id]].concat());
    assert_eq!(succeeds(&removed), format!("The token {id} is removed.\n"));
    fails(&run(place, &["user", "unlink", "alice", "other"]), 1, "has no such link");
    fails(&run(place, &["user", "link", "alice", "other", "7"]), 2, "has this name");

    let keys = json_of(&run(place, &["keys", "list", "--json"]));
    let announced = keys.as_array().unwrap().iter().find(|key| key["state"] == "announced");
    let kid = announced.unwrap()["kid"].as_str().unwrap();
    let said = succeeds(&run(place, &["keys", "retire", kid]));
    assert_eq!(said, format!("The key {kid} is removed.\n"));
    fails(&run(place, &["keys", "retire", kid]), 1, "There is no key with this kid.");
    let signs = keys.as_array().unwrap().iter().find(|key| key["state"] == "signs").unwrap();
    let retire = ["keys", "retire", signs["kid"].as_str().unwrap()];
    fails(&run(place, &retire), 1, "This key signs");
}

/// The same records in the same order. Their places in the chain may come in between.
fn exports_what_is_exported_there(place: &Sandbox) {
    let export = ["audit", "export", "--actor-kind", "user"];
    let records = |output: &Output| {
        let lines = succeeds(output);
        let parsed = lines.lines().map(|line| {
            let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
            record.as_object_mut().unwrap().remove("position");
            record
        });
        parsed.collect::<Vec<_>>()
    };
    let (local, remote) = (records(&here(place, &export)), records(&run(place, &export)));
    assert!(local.len() > 5, "{local:?}");
    assert_eq!(remote, local);
}

/// Each change, and what it says.
fn changes_what_is_there(place: &Sandbox) {
    let mut add = elsewhere(place, &["user", "add", "zoe", "--roles", "a,b", "--password-stdin"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"correct horse battery staple\n").unwrap();
    drop(input);
    let added = child.wait_with_output().unwrap();
    assert_eq!(succeeds(&added), "The user zoe was added.\n");
    for (arguments, said) in [
        (
            &["user", "set", "zoe", "--name", "Zoe", "--claim", "level=3"][..],
            "The user zoe is changed.\n",
        ),
        (&["user", "roles", "zoe", "--add", "c"], "The user zoe has these roles.\n"),
        (&["user", "disable", "zoe"], "The user zoe is kept out.\n"),
        (&["user", "enable", "zoe"], "The user zoe may sign in.\n"),
        (
            &["group", "add", "staff/a", "--roles", "x", "--claim", "n=1"],
            "The group staff/a was added.\n",
        ),
        (
            &["group", "set", "staff/a", "--description", "All", "--remove-claim", "n"],
            "The group staff/a is changed.\n",
        ),
        (&["group", "member", "add", "staff/a", "zoe"], "zoe is a member of staff/a.\n"),
        (&["keys", "rotate"], "New keys are made; they take over in seven minutes.\n"),
        (&["admin", "grant", "zoe", "auditor"], "The user zoe has the role auditor.\n"),
        (&["admin", "revoke", "zoe"], "The user zoe has no role in the administration.\n"),
        (
            &[
                "client",
                "add",
                "shop",
                "--public",
                "--redirect-uri",
                "https://shop.example/cb",
                "--grant-types",
                "authorization_code",
            ],
            "The client shop was added.\n",
        ),
        (
            &["client", "set", "shop", "--name", "Shop", "--add-scope", "openid,profile"],
            "The client shop is changed.\n",
        ),
        (
            &["client", "set", "shop", "--remove-scope", "profile", "--set", "require_par=true"],
            "The client shop is changed.\n",
        ),
    ] {
        assert_eq!(succeeds(&run(place, arguments)), said, "{arguments:?}");
    }
}

/// An identity provider, whose secret comes from a file.
fn changes_identity_providers(place: &Sandbox) {
    fs::write(settings(place).join("secret"), "hush-hush\n").unwrap();
    let add = ["identity-provider", "add", "company", "--issuer", "https://id.example.com"];
    let more = ["--client-id", "doorward", "--client-secret-file", "secret"];
    let added = "The identity provider company was added. doorward identity-provider check company \
                 tells what to enter there.\n";
    assert_eq!(succeeds(&run(place, &[&add[..], &more].concat())), added);
    let set = ["identity-provider", "set", "company", "--set", "title=Company"];
    assert_eq!(succeeds(&run(place, &set)), "The identity provider company is changed.\n");
    let elsewhere = ["identity-provider", "set", "company", "--issuer", "https://other.example"];
    fails(&run(place, &elsewhere), 2, "client_secret");
}

/// What is there, said alike here and there.
fn says_the_same(place: &Sandbox) {
    // Sign-ins go on to be recorded, so one event is looked for.
    let sub = succeeds(&run(place, &["user", "show", "zoe", "--json"]));
    let sub: serde_json::Value = serde_json::from_str(&sub).unwrap();
    assert_eq!(sub["claims"]["role"], serde_json::json!(["a", "b", "c"]));
    assert_eq!(sub["claims"]["level"], serde_json::json!(3));
    for arguments in [
        &["user", "list"][..],
        &["client", "list"],
        &["client", "show", "PkceJS"],
        &["client", "show", "shop"],
        &["client", "secret", "list", "shop"],
        &["admin", "list"],
        &["grant", "list", "alice"],
        &["user", "events", "alice"],
        &["user", "invitations"],
        &["mail", "outbox"],
        &["identity-provider", "list"],
        &["identity-provider", "show", "company"],
        &["group", "list"],
        &["group", "show", "staff/a"],
        &["group", "member", "list", "staff/a"],
        &["session", "list", "alice"],
        &["user", "show", "alice"],
        &["user", "links", "alice"],
        &["client", "registered"],
        &["client", "registration-token", "list"],
        &["keys", "list"],
    ] {
        for json in [&[][..], &["--json"]] {
            let arguments = [arguments, json].concat();
            let (local, remote) = (here(place, &arguments), run(place, &arguments));
            assert_eq!(succeeds(&remote), succeeds(&local), "{arguments:?}");
        }
    }
    // As a table alone: in between the record may get its place in the chain.
    let arguments = ["audit", "list", "--event", "group_added"];
    let (local, remote) = (here(place, &arguments), run(place, &arguments));
    assert_eq!(succeeds(&remote), succeeds(&local));
}

#[tokio::test]
async fn commands_from_elsewhere_say_and_do_what_those_on_the_machine_do() {
    let place = Sandbox::new();
    let _server = served(&place);
    fails(&run(&place, &["user", "list"]), 2, "you are not signed in: doorward login --server");
    let user = User::new(&place);
    let app = user.set_up_app().await;
    let waiting = Waiting::start(elsewhere(&place, &["login"]));
    User::new(&place).answer(&waiting, Some(&app), "allow").await;
    let (code, said) = waiting.finish();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("You are signed in"), "{said}");
    let folder = settings(&place).join("doorward/servers");
    let kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::metadata(&kept[0]).unwrap().permissions().mode() & 0o777, 0o600);

    changes_what_is_there(&place);
    changes_identity_providers(&place);
    says_the_same(&place);
    keeps_secrets_and_links_to_one_showing(&place);
    exports_what_is_exported_there(&place);
    refuses_what_is_not_for_elsewhere(&place);

    for (arguments, said) in [
        (
            &["group", "member", "remove", "staff/a", "zoe"][..],
            "zoe is not a member of staff/a any more.\n",
        ),
        (&["group", "remove", "staff/a", "--yes"], "The group staff/a is removed.\n"),
        (
            &["identity-provider", "remove", "company", "--yes"],
            "The identity provider company is removed. The links of users stay.\n",
        ),
        (
            &["user", "reset-factors", "zoe"],
            "The user zoe has no second factors any more, and is signed out everywhere.\n",
        ),
        (&["session", "end", "zoe", "--yes"], "Sessions of zoe that ended: 0.\n"),
        (&["user", "remove", "zoe", "--yes"], "The user zoe is removed.\n"),
    ] {
        assert_eq!(succeeds(&run(&place, arguments)), said, "{arguments:?}");
    }
    fails(&here(&place, &["user", "show", "zoe"]), 1, "there is no user");

    let left = run(&place, &["logout"]);
    assert!(left.status.success(), "{left:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    fails(&run(&place, &["user", "list"]), 2, "you are not signed in");
    fails(&run(&place, &["logout"]), 1, "you are not signed in");
}

#[tokio::test]
async fn what_needs_a_stronger_sign_in_asks_for_one() {
    let place = Sandbox::new();
    let _server = served(&place);
    let waiting = Waiting::start(elsewhere(&place, &["login"]));
    // By the password alone: enough to look.
    User::new(&place).answer(&waiting, None, "allow").await;
    assert_eq!(waiting.finish().0, Some(0));
    succeeds(&run(&place, &["user", "list"]));
    let change = Waiting::start(elsewhere(&place, &["group", "add", "staff"]));
    User::new(&place).answer(&change, None, "deny").await;
    let (code, said) = change.finish();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("it was not allowed in the browser"), "{said}");
    // The sign-in that was there is still good for what it was.
    let groups = succeeds(&run(&place, &["group", "list", "--json"]));
    assert_eq!(groups, "[]\n");
}

#[tokio::test]
async fn a_server_that_does_not_ask_for_it_lets_no_command_sign_in() {
    let place = Sandbox::new();
    fs::write(place.folder().join("doorward.toml"), ON.replace("command_line = true\n", ""))
        .unwrap();
    let _server = Doorward::start(place.command(&["serve"]));
    fails(&run(&place, &["login"]), 2, "is admin.command_line turned on there?");
    let clients = succeeds(&here(&place, &["client", "list"]));
    assert!(!clients.contains("doorward-cli"), "{clients}");
}

#[tokio::test]
async fn a_file_of_tokens_that_others_can_read_or_that_leads_elsewhere_is_refused() {
    let place = Sandbox::new();
    let _server = served(&place);
    let waiting = Waiting::start(elsewhere(&place, &["login"]));
    User::new(&place).answer(&waiting, None, "allow").await;
    assert_eq!(waiting.finish().0, Some(0));
    let folder = settings(&place).join("doorward/servers");
    let kept = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&kept).unwrap();

    // An access token that has ended is renewed, and the file has the new one.
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["expires_at"] = 0.into();
    fs::write(&kept, value.to_string()).unwrap();
    succeeds(&run(&place, &["user", "list"]));
    let text = fs::read_to_string(&kept).unwrap();
    let renewed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_ne!(renewed["access_token"], value["access_token"]);

    let mut led: serde_json::Value = renewed.clone();
    led["token_endpoint"] = "https://evil.example/token".into();
    fs::write(&kept, led.to_string()).unwrap();
    fails(&run(&place, &["user", "list"]), 2, "an address that is not its own");
    fs::write(&kept, &text).unwrap();
    succeeds(&run(&place, &["user", "list"]));

    fs::set_permissions(&kept, fs::Permissions::from_mode(0o640)).unwrap();
    fails(&run(&place, &["user", "list"]), 2, "others may read it");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o600)).unwrap();
    let other = place.folder().join("other.json");
    fs::rename(&kept, &other).unwrap();
    std::os::unix::fs::symlink(&other, &kept).unwrap();
    fails(&run(&place, &["user", "list"]), 2, "it is a link");
}
