/* placeholder: replaced by its author in this very part */
