//! A terminal that a test types into.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use nix::{
    pty::{Winsize, openpty},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long a test waits for a program to show anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program whose standard input and standard error, or all three, are a terminal, and what it has shown there.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    shown: Receiver<Vec<u8>>,
    /// What was shown and not waited for yet.
    unread: String,
}

impl Terminal {
    /// Runs the command in a terminal of this many columns. Its standard output is a pipe.
    pub(crate) fn run(arguments: &[&str], columns: u16) -> Self {
        Self::spawn(arguments, columns, true)
    }

    /// The same; its standard output is the terminal, too.
    pub(crate) fn run_whole(arguments: &[&str], columns: u16) -> Self {
        Self::spawn(arguments, columns, false)
    }

    fn spawn(arguments: &[&str], columns: u16, piped: bool) -> Self {
        let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(&size, None).unwrap();
        let slave = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_ssf"))
            .args(arguments)
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .stdin(slave(&terminal.slave))
            .stderr(slave(&terminal.slave))
            .stdout(if piped { Stdio::piped() } else { slave(&terminal.slave) })
            .spawn()
            .unwrap();
        let mut screen = File::from(terminal.master);
        let keys = screen.try_clone().unwrap();
        let (sender, shown) = channel();
        // It ends with an error when the program closes its side.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, shown, unread: String::new() }
    }

    /// Waits until this is shown.
    #[track_caller]
    pub(crate) fn expect(&mut self, text: &str) -> &mut Self {
        loop {
            if let Some(at) = self.unread.find(text) {
                self.unread.drain(..at + text.len());
                return self;
            }
            match self.shown.recv_timeout(PATIENCE) {
                Ok(bytes) => self.unread.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{text:?} is not shown: {:?}", self.unread)
                }
            }
        }
    }

    /// Types this; `\r` is Enter.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self
    }

    /// Sends what Ctrl-C sends.
    pub(crate) fn interrupt(&mut self) -> &mut Self {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        self
    }

    /// Waits for the end: the exit code, and what was printed.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let mut printed = String::new();
        if let Some(mut stdout) = self.child.stdout.take() {
            stdout.read_to_string(&mut printed).unwrap();
        }
        (self.child.wait().unwrap().code(), printed)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
