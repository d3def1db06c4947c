from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """The first of the equally strong settings that OWASP's password storage cheat sheet names for Argon2id.

    Django's own take 100 MiB and eight lanes for each login: on a small server ten people at once are a gigabyte.
    Older hashes are renewed when their owner logs in.
    """

    time_cost = 2
    memory_cost = 19_456
    parallelism = 1
