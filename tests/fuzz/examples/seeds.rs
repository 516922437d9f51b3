//! Writes the seeds of each target into a folder of its own, and beside them a dictionary and a certificate authority:
//! `seeds FOLDER`.

use std::{env, fs, io, path::Path};

use ssf_fuzz::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).ok_or_else(|| io::Error::other("where to, please"))?;
    let folder = Path::new(&folder);
    for (name, _) in TARGETS {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        for (number, seed) in seeds::of(name).iter().enumerate() {
            fs::write(folder.join(number.to_string()), seed)?;
        }
    }
    fs::write(folder.join("authority.pem"), seeds::authority())?;
    fs::write(folder.join("dictionary"), seeds::dictionary())
}
