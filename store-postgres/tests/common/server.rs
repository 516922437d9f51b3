//! A PostgreSQL server of our own.

#![allow(dead_code, reason = "each program uses a part of it")]

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
};

/// The account that Debian's package creates: the server does not run as root.
const ACCOUNT: &str = "postgres";
const MISSING: &str = "PostgreSQL or PgBouncer is not installed: run `cargo xtask test rust`, or install Debian's packages `postgresql` and `pgbouncer`";

/// Who may connect: members of the role `checked` with a password, all others without one.
const ACCESS: &str =
    "host all +checked 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\nlocal all all trust\n";

/// The server that the tests of this program share. What it commits may be lost if the machine fails.
pub(crate) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(false))
}

/// Ends with this program, however that ends.
pub(crate) struct Server {
    folder: PathBuf,
    port: u16,
    durable: bool,
    settings: Vec<String>,
    process: Mutex<u32>,
    said: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server with an empty folder. `durable` keeps PostgreSQL's own settings.
    pub(crate) fn start(durable: bool) -> Self {
        Self::configured(durable, &[("pg_hba.conf", ACCESS)], &[])
    }

    /// Starts a server with these files in its folder, and with these settings.
    pub(crate) fn configured(durable: bool, files: &[(&str, &str)], settings: &[&str]) -> Self {
        let folder = new_folder();
        let mut initdb = account("initdb");
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username=postgres"]);
        let initialized = initdb.arg("--pgdata").arg(&folder).output().unwrap();
        assert!(initialized.status.success(), "{}", String::from_utf8_lossy(&initialized.stderr));
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text).unwrap();
            private(&path);
        }
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let (process, said) = (Mutex::new(0), Arc::default());
        let server = Self { folder, port, durable, settings, process, said };
        server.run();
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// How many lines of its log contain this text.
    pub(crate) fn said(&self, text: &str) -> usize {
        self.said.lock().unwrap().iter().filter(|line| line.contains(text)).count()
    }

    /// Kills all of its processes at once, as a power cut would, and starts it again.
    pub(crate) fn crash(&self) {
        let main = *self.process.lock().unwrap();
        // The others notice that the main one is gone, but may finish what they are doing.
        for process in children(main).into_iter().chain([main]) {
            drop(Command::new("kill").arg("-KILL").arg(process.to_string()).output());
        }
        self.run_after(main);
    }

    /// Stops it, as an update of the machine would, and starts it again.
    pub(crate) fn restart(&self) {
        let main = *self.process.lock().unwrap();
        drop(Command::new("kill").arg("-INT").arg(main.to_string()).output());
        self.run_after(main);
    }

    fn run_after(&self, main: u32) {
        while Path::new("/proc").join(main.to_string()).exists() {
            thread::yield_now();
        }
        self.run();
    }

    /// Starts the server, and returns when it takes connections.
    fn run(&self) {
        let mut command = account("postgres");
        command.arg("-D").arg(&self.folder).args(["-p", &self.port.to_string()]);
        for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "deadlock_timeout=100ms"] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        if !self.durable {
            command.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let (started, ready) = channel();
        // The kernel ends the server when the thread ends that started it: with this program.
        let said = Arc::clone(&self.said);
        thread::spawn(move || watch(command, &started, &said));
        let process = ready.recv().unwrap_or_else(|_| panic!("the server did not start"));
        *self.process.lock().unwrap() = process;
    }
}

/// Runs the server, and reads what it says, so that it can go on saying it.
fn watch(mut command: Command, started: &Sender<u32>, said: &Mutex<Vec<String>>) {
    let mut process = command.spawn().expect(MISSING);
    for line in BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok) {
        if line.contains("database system is ready to accept connections") {
            started.send(process.id()).ok();
        }
        said.lock().unwrap().push(line);
    }
    process.wait().ok();
    let said = said.lock().unwrap();
    assert!(said.iter().any(|line| line.contains("ready to accept")), "{}", said.join("\n"));
}

/// A program of PostgreSQL, which ends with the thread that starts it.
pub(crate) fn account(program: &str) -> Command {
    let path = find(program).expect(MISSING);
    let mut command = Command::new("setpriv");
    command.arg("--pdeathsig=INT");
    if is_root() {
        command.args(["--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"]);
    }
    command.arg(path).current_dir("/").env("LC_ALL", "C");
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

/// Makes a file one that the account alone reads.
pub(crate) fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    if is_root() {
        assert!(Command::new("chown").arg(ACCOUNT).arg(path).status().unwrap().success());
    }
}

/// The newest version that Debian's package has installed, or the one in `PATH`.
fn find(program: &str) -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path().join("bin").join(program)).collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let others = folders.map(|folder| folder.join(program));
    versions.into_iter().rev().chain(others).find(|path| path.exists())
}

/// An empty folder that the account may use. Those of programs that have ended are removed.
pub(crate) fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // Another account may not reach the checkout.
    let parent = match option_env!("CARGO_TARGET_TMPDIR") {
        Some(folder) if !is_root() => Path::new(folder).join("postgres"),
        _ => std::env::temp_dir().join("ssf-transmitter-postgres"),
    };
    fs::create_dir_all(&parent).unwrap();
    for old in fs::read_dir(&parent).unwrap().flatten() {
        let name = old.file_name().to_string_lossy().into_owned();
        let owner = name.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() {
            drop(fs::remove_dir_all(old.path()));
        }
    }
    let folder = parent.join(format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst)));
    fs::create_dir(&folder).unwrap();
    if is_root() {
        assert!(Command::new("chown").arg(ACCOUNT).arg(&folder).status().unwrap().success());
    }
    folder
}

fn children(process: u32) -> Vec<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let children = fs::read_to_string(path).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}
