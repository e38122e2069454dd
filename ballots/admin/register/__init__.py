"""The office's pages of the register: delegations, delegates, their cards, and tables of them."""
