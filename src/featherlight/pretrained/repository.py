"""Files in a repository of the Hugging Face hub, through its own client and cache."""

from __future__ import annotations

from pathlib import Path

from featherlight.errors import BadInput, Failure

SAFETENSORS = "model.safetensors"
PICKLED = "pytorch_model.bin"
CONFIG = "config.json"


def fetch_file(repository: str, file: str, revision: str | None = None, cache_dir: str | Path | None = None) -> Path:
    """One file of ``org/repo`` on this machine, downloaded unless it is in the hub's cache (or in `cache_dir`).

    Raises BadInput for a repository, revision or file that does not exist or is not open to everyone, Failure where
    the hub cannot be reached and the file is not here.
    """
    from huggingface_hub import errors, hf_hub_download

    place = f"{repository}@{revision}" if revision else repository
    reason = _unreachable(repository, file, revision)
    try:
        # Where the hub did not answer, what came from it once will do.
        path = hf_hub_download(
            repository, file, revision=revision, cache_dir=cache_dir, local_files_only=reason is not None
        )
        return Path(path)
    except errors.LocalEntryNotFoundError:
        raise Failure(
            f"the hub cannot be reached ({reason}), and {file} of {place} has not been downloaded before"
        ) from None
    except Exception as error:  # the errors of its HTTP library have no base class but this
        raise Failure(f"{file} of hub repository {place} could not be downloaded: {_first_line(error)}") from error


def _unreachable(repository: str, file: str, revision: str | None) -> str | None:
    """Why the hub does not answer, None where it does and has the file; BadInput where it answers that it has not.

    Asked once: the client's own download would ask again for half a minute.
    """
    from huggingface_hub import errors, get_hf_file_metadata, hf_hub_url

    place = f"{repository}@{revision}" if revision else repository
    try:
        get_hf_file_metadata(hf_hub_url(repository, file, revision=revision))
    except errors.HFValidationError:
        raise BadInput(f"hub repository must be named org/repo or org/repo@revision; got {place!r}") from None
    except errors.GatedRepoError:
        raise BadInput(f"hub repository {place} is not open to everyone; ask for access on its page") from None
    except errors.RepositoryNotFoundError:
        raise BadInput(f"hub repository {place} does not exist, or is private") from None
    except errors.RevisionNotFoundError:
        raise BadInput(f"hub repository {repository} has no revision {revision}") from None
    except errors.EntryNotFoundError:
        raise BadInput(f"hub repository {place} has no file {file}") from None
    except Exception as error:  # no connection, a time-out, HF_HUB_OFFLINE
        return _first_line(error)
    return None


def fetch_folder(name: str, cache_dir: str | Path | None = None) -> Path:
    """The folder of ``org/repo`` or ``org/repo@revision`` on this machine, with its configuration and weights."""
    repository, _, revision = name.partition("@")
    config = fetch_file(repository, CONFIG, revision or None, cache_dir)
    # The commit that the configuration came from: were the branch to move now, the weights would be another's.
    commit = config.parent.name
    try:
        fetch_file(repository, SAFETENSORS, commit, cache_dir)
    except BadInput:
        fetch_file(repository, PICKLED, commit, cache_dir)
    return config.parent


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
