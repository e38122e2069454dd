"""The net under the box: real servers are killed and lines cut while people vote (design §7.5)."""
