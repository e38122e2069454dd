"""The settings of the control: production's, but a commit does not wait for the disk.

A database that is killed loses what it has acknowledged so; a net that does not see it is blind.
"""

from yiwu_vote.settings import *

# Of two values of one setting PostgreSQL takes the later.
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"
# The start must not refuse what is the point here.
ASKED_OF_SERVER |= {"synchronous_commit": "off"}
